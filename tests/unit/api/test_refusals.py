"""The one table from refusals to HTTP: total, and telling what may be told."""

import ast
import inspect
from pathlib import Path

import pytest

from gateway import errors
from gateway.api.refusals import (
    MAX_MESSAGE_CHARS,
    TABLE,
    Challenger,
    one_line,
    reasons_json,
    refusal,
    rule,
    summary,
)
from gateway.errors import GatewayError, Reason, Severity
from tests.support.api import Reply

CHALLENGER = Challenger(realm="https://registry.example/token", service="registry.example")
TREE = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, GatewayError)]


def say(error: GatewayError) -> Reply:
    answer = refusal(error, challenger=CHALLENGER, request_id="r1")
    assert isinstance(answer.body, bytes)
    return Reply(answer.status, answer.headers, answer.body)


def test_the_table_is_total_over_the_tree() -> None:
    assert set(TABLE) == set(TREE)


def test_no_refusal_is_outside_the_tree() -> None:
    """A class that another module adds would be seen by no test of the tree."""
    known = {cls.__name__ for cls in TREE}
    package = Path(errors.__file__).parent
    outside = [
        f"{path.relative_to(package)}: {node.name}"
        for path in sorted(package.rglob("*.py"))
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(
            isinstance(base, ast.Name | ast.Attribute) and ast.unparse(base).rpartition(".")[2] in known
            for base in node.bases
        )
    ]
    assert outside == []


def test_a_class_without_a_row_gets_that_of_its_nearest_kin() -> None:
    class Special(errors.BlobUnknown):
        pass

    assert rule(Special("x")) == TABLE[errors.BlobUnknown]


EXAMPLES: list[GatewayError] = [
    errors.NameInvalid("A", "upper"),
    errors.TagInvalid(".x", "dot"),
    errors.DigestInvalid("sha256:x", "wrong length"),
    errors.DocumentInvalid("byte order mark"),
    errors.ManifestInvalid("is missing", field="config"),
    errors.ManifestTooLarge(10),
    errors.SizeInvalid("too much"),
    errors.NameUnknown("nowhere"),
    errors.ManifestUnknown("v1"),
    errors.TagUnknown("v1"),
    errors.BlobUnknown("sha256:x"),
    errors.BlobReferenced("sha256:x"),
    errors.UploadUnknown("s"),
    errors.UploadInvalid("no"),
    errors.UploadOutOfOrder(7),
    errors.RangeInvalid(9),
    errors.Unauthorized(),
    errors.Denied("no", reasons=[Reason("X", "y")]),
    errors.Unsupported("no"),
    errors.RequestInvalid("no"),
    errors.BodyTooSlow(30.0),
    errors.UnsupportedGrant("no"),
    errors.TooManyRequests("later", retry_after_seconds=3),
    errors.Conflict("taken"),
    errors.Unavailable("down", retry_after_seconds=4),
    errors.OutboundFailed("the issuer does not answer"),
    errors.FederationInvalid("rule x: no audience"),
    errors.StorageFull("/secret/path"),
    errors.StorageFailed("/secret/path"),
    errors.Internal("/secret/path"),
    errors.ConfigInvalid("/secret/path"),
    errors.UsageInvalid("/secret/path"),
    errors.StoryBroken("/secret/path"),
    errors.TrustPolicyInvalid("/secret/path", "x"),
    errors.PolicyInvalid("/secret/path"),
    GatewayError("/secret/path"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_every_refusal_is_an_oci_error_document(error: GatewayError) -> None:
    reply = say(error)
    assert reply.status == rule(error).status
    assert reply.one("content-type") == "application/json"
    (entry,) = reply.json()["errors"]
    assert entry["code"] == error.code
    assert "\n" not in entry["message"]
    assert {"reasons", "decision_id", "policy_revision", "state"} <= set(entry["detail"])
    assert entry["detail"]["reasons"]
    assert b"/secret/path" not in reply.body
    if rule(error).ours:
        assert entry["detail"]["request_id"] == "r1"
        assert "r1" in entry["message"]


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        pytest.param(
            errors.Unauthorized(),
            "www-authenticate",
            'Bearer realm="https://registry.example/token",service="registry.example"',
            id="no-empty-scope",
        ),
        pytest.param(
            errors.Unauthorized(scopes=["repository:a:push", "repository:b:pull"], error="insufficient_scope"),
            "www-authenticate",
            'Bearer realm="https://registry.example/token",service="registry.example",'
            'scope="repository:a:push repository:b:pull",error="insufficient_scope"',
            id="two-scopes-in-one-parameter",
        ),
        pytest.param(errors.Unavailable("x", retry_after_seconds=4), "retry-after", "4", id="unavailable"),
        pytest.param(errors.TooManyRequests("x", retry_after_seconds=3), "retry-after", "3", id="too-many"),
        pytest.param(errors.StorageFailed("x"), "retry-after", "30", id="another-worker-may-serve"),
        pytest.param(errors.RangeInvalid(9), "content-range", "bytes */9", id="range"),
    ],
)
def test_headers(error: GatewayError, header: str, value: str) -> None:
    assert say(error).every(header) == [value]


def test_a_decision_is_told_with_its_reasons() -> None:
    reasons = [Reason("A", "first", "deny", "sha256:x"), Reason("B", "second", "hold")]
    reply = say(errors.Denied("no", reasons=reasons, decision_id="d1", policy_revision="p1"))
    assert reply.json()["errors"][0]["detail"] == {
        "reasons": [
            {"code": "A", "message": "first", "severity": "deny", "subject": "sha256:x"},
            {"code": "B", "message": "second", "severity": "hold"},
        ],
        "decision_id": "d1",
        "policy_revision": "p1",
        "state": None,
    }


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        pytest.param(errors.NameInvalid("A", "upper"), {"name": "A", "reason": "upper"}, id="name"),
        pytest.param(errors.TagInvalid(".", "dot"), {"tag": ".", "reason": "dot"}, id="tag"),
        pytest.param(errors.DigestInvalid("x", "y"), {"digest": "x", "reason": "y"}, id="digest"),
        pytest.param(errors.ManifestInvalid("r", field="f"), {"field": "f", "reason": "r"}, id="manifest"),
        pytest.param(errors.DocumentInvalid("r"), {"reason": "r"}, id="document"),
        pytest.param(errors.ManifestTooLarge(3), {"limit_bytes": 3}, id="too-large"),
        pytest.param(errors.ManifestUnknown("d"), {"reference": "d"}, id="manifest-unknown"),
        pytest.param(errors.TagUnknown("t"), {"reference": "t"}, id="tag-unknown"),
        pytest.param(errors.BlobUnknown("d"), {"digest": "d"}, id="blob-unknown"),
        pytest.param(errors.UploadOutOfOrder(7), {"offset_bytes": 7}, id="out-of-order"),
    ],
)
def test_fields_are_in_the_detail(error: GatewayError, detail: dict[str, object]) -> None:
    told = say(error).json()["errors"][0]["detail"]
    assert told == {
        "reasons": [{"code": error.code, "message": error.message, "severity": "deny"}],
        "decision_id": None,
        "policy_revision": None,
        "state": None,
        **detail,
    }


def test_a_revoked_digest_says_so_in_its_state() -> None:
    told = say(errors.Denied("no", reasons=[Reason("REVOKED", "was revoked")])).json()["errors"][0]["detail"]
    assert told["state"] == "revoked"


def test_a_message_is_one_line_and_not_too_long() -> None:
    assert one_line("a\n b\t\x0b c") == "a b c"
    assert len(one_line("x " * 2000)) == MAX_MESSAGE_CHARS


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        pytest.param([], "no reason was given", id="none"),
        pytest.param(["A"], "A: about A", id="one"),
        pytest.param(["A", "B", "C"], "A: about A (and B, C)", id="three"),
    ],
)
def test_summary(codes: list[str], said: str) -> None:
    severity: Severity = "deny"
    assert summary([Reason(code, f"about {code}", severity) for code in codes]) == said


def test_reasons_are_bounded() -> None:
    listed = reasons_json([Reason("A", "x")] * 1000)
    assert isinstance(listed, list)
    assert len(listed) == 100
