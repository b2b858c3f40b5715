"""What admission decided, told to the client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.values import Admitted, Held, Outcome, PolicyErred, Refused, Stored, Unreachable
from gateway.api.outcomes import MAX_WARNING_BYTES, decision_id, put_answer, warnings
from gateway.errors import Reason
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag
from tests.support.api import Reply
from tests.support.oci import PROPERTY

APP = RepositoryName("team/app")
DIGEST = Digest.of(b"{}")
SUBJECT = Digest.of(b"subject")
STORED = Stored(DIGEST, (Tag("a"), Tag("b")), (), None, "d1")
MISSING = Reason("SIGNATURE_MISSING", "no signature", "hold")


def tell(outcome: Outcome, *, name_tags: bool = False) -> Reply:
    answer = put_answer(outcome, APP, name_tags=name_tags)
    assert isinstance(answer.body, bytes)
    return Reply(answer.status, answer.headers, answer.body)


def test_admitted() -> None:
    reply = tell(Admitted(STORED))
    assert reply.status == 201
    assert reply.headers == (
        ("location", f"/v2/team/app/manifests/{DIGEST}"),
        ("docker-content-digest", str(DIGEST)),
    )


def test_tags_of_the_query_and_the_subject_are_named() -> None:
    stored = Stored(DIGEST, (Tag("a"), Tag("b")), (Tag("b"),), SUBJECT, None)
    reply = tell(Admitted(stored), name_tags=True)
    assert reply.every("oci-tag") == ["a", "b"]
    assert reply.one("oci-subject") == str(SUBJECT)
    assert reply.every("warning") == ['299 - "not moved yet, the tags wait: b"']


def test_admitted_with_findings() -> None:
    reply = tell(Admitted(STORED, (Reason("OLD_BASE", "the base is old", "warn"),), unverified=True))
    assert reply.one("registry-gateway-state") == "unverified"
    assert reply.every("warning") == [
        '299 - "admitted unverified: this project only warns (decision d1)"',
        '299 - "OLD_BASE: the base is old"',
    ]


def test_what_was_admitted_once_is_told_to_be_distrusted_as_its_get_tells() -> None:
    reply = tell(Held(STORED, (MISSING,), distrusted=True))
    assert (reply.status, reply.one("registry-gateway-state")) == (201, "distrusted")


def test_held_is_201_with_what_is_missing_and_what_to_type() -> None:
    reply = tell(Held(STORED, (MISSING,), f"cosign sign --key cosign.key host/team/app@{DIGEST}"))
    assert reply.status == 201
    assert reply.one("registry-gateway-state") == "held"
    assert reply.one("cache-control") == "private, no-store"
    assert reply.every("warning") == [
        '299 - "stored and held: not visible to whoever only pulls (decision d1)"',
        '299 - "SIGNATURE_MISSING: no signature"',
        f'299 - "to supply what is missing: cosign sign --key cosign.key host/team/app@{DIGEST}"',
    ]


def test_refused() -> None:
    reply = tell(Refused((Reason("ROOT_USER", "the image runs as root"), MISSING), "d2", "p1"))
    assert reply.status == 403
    assert reply.code == "DENIED"
    assert reply.message == "ROOT_USER: the image runs as root (and SIGNATURE_MISSING) (decision d2)"
    detail = reply.json()["errors"][0]["detail"]
    assert [reason["code"] for reason in detail["reasons"]] == ["ROOT_USER", "SIGNATURE_MISSING"]
    assert (detail["decision_id"], detail["policy_revision"], detail["state"]) == ("d2", "p1", None)


def test_what_is_refused_for_want_of_evidence_says_what_is_missing_and_what_to_type() -> None:
    reply = tell(Refused((MISSING,), "d2", "p1", f"cosign sign host/team/app@{DIGEST}"))
    detail = reply.json()["errors"][0]["detail"]
    assert (detail["missing"], detail["command"]) == (["SIGNATURE_MISSING"], f"cosign sign host/team/app@{DIGEST}")


def test_what_a_rule_denies_has_nothing_to_supply() -> None:
    detail = tell(Refused((Reason("ROOT_USER", "root"),), "d2", "p1")).json()["errors"][0]["detail"]
    assert detail.keys() == {"reasons", "decision_id", "policy_revision", "state"}


def test_a_broken_policy_invites_no_retry() -> None:
    reply = tell(PolicyErred("undefined", "d3", "p1"))
    assert reply.status == 403
    assert not reply.every("retry-after")
    detail = reply.json()["errors"][0]["detail"]
    assert detail["reasons"][0]["code"] == "POLICY_ERROR"
    assert (detail["decision_id"], detail["policy_revision"]) == ("d3", "p1")


def test_an_engine_that_is_not_reached_does() -> None:
    reply = tell(Unreachable("timed out"))
    assert (reply.status, reply.code, reply.one("retry-after")) == (503, "UNAVAILABLE", "5")
    assert reply.json()["errors"][0]["detail"] == {
        "reasons": [{"code": "ADMISSION_UNAVAILABLE", "message": "timed out", "severity": "deny"}],
        "decision_id": None,
        "policy_revision": None,
        "state": None,
    }


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param(Admitted(STORED), "d1", id="admitted"),
        pytest.param(Held(STORED, ()), "d1", id="held"),
        pytest.param(Refused((), "d2"), "d2", id="refused"),
        pytest.param(PolicyErred("x", "d3"), "d3", id="policy-erred"),
        pytest.param(Unreachable("x"), None, id="unreachable"),
    ],
)
def test_decision_id(outcome: Outcome, expected: str | None) -> None:
    assert decision_id(outcome) == expected


def test_a_warning_is_printable_ascii_and_quoted() -> None:
    assert warnings(['a "b" \\ é\x1b[31m\r\nSet-Cookie: x']) == (
        ("warning", '299 - "a \\"b\\" \\\\ ??[31m Set-Cookie: x"'),
    )


@PROPERTY
@given(st.lists(st.text(max_size=3000), max_size=8))
def test_warnings_are_bounded_whole_and_safe(texts: list[str]) -> None:
    values = [value for _, value in warnings(texts)]
    assert sum(len(value) for value in values) <= MAX_WARNING_BYTES
    for value in values:
        assert value.isascii()
        assert value.isprintable()
        inside = value.removeprefix('299 - "').removesuffix('"').replace("\\\\", "").replace('\\"', "")
        assert '"' not in inside
        assert "\\" not in inside
