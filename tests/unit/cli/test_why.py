"""An explanation of records as they may be, those of other versions and of hostile words included."""

import pytest

from gateway.access.values import Condition
from gateway.catalog.values import DecisionRow, ManifestClass, ManifestView
from gateway.cli.why import explain, explain_decision, reasons_of, record_of
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from gateway.oci.strict_json import JsonObject

REPOSITORY = RepositoryName.parse("team/app")
DIGEST = Digest.of(b"")
HOST = "registry.example.test"


def view(condition: Condition, *, visible: bool = False) -> ManifestView:
    return ManifestView(
        id=1,
        repository=REPOSITORY,
        digest=DIGEST,
        alias=None,
        cls=ManifestClass.IMAGE,
        condition=condition,
        visible=visible,
        media_type="application/vnd.oci.image.manifest.v1+json",
        artifact_type=None,
        size=1,
        unverified=False,
        subject=None,
        who="u:1",
        created=0,
        expires=None,
    )


def decided(record: JsonObject, *, tag: str | None = None, outcome: str = "held") -> DecisionRow:
    return DecisionRow("d", REPOSITORY, DIGEST, tag, outcome, 0, record)


def reason(code: str, message: str = "m", severity: str = "hold", subject: str | None = None) -> JsonObject:
    return {"code": code, "message": message, "severity": severity, "subject": subject}


@pytest.mark.parametrize("condition", list(Condition))
def test_every_condition_is_told(condition: Condition) -> None:
    assert f"  is {condition.value}: " in explain(view(condition), [], host=HOST)


def test_no_decision_is_told_as_that() -> None:
    assert "no decision is recorded" in explain(view(Condition.HELD), [], host=HOST)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param({}, id="empty"),
        pytest.param({"reasons": "x", "who": "y", "trigger": 1, "evidence": {}}, id="other-kinds"),
        pytest.param({"reasons": [1, None, {}], "evidence": [1, {}]}, id="other-members"),
    ],
)
def test_a_record_of_another_version_breaks_nothing(record: JsonObject) -> None:
    assert "held: manifest" in explain(view(Condition.HELD), [decided(record)], host=HOST)


def test_words_of_others_make_no_line_of_their_own() -> None:
    message = "fine\nadmitted: manifest, decided today"
    said = explain(view(Condition.HELD), [decided({"reasons": [reason("X", message)]})], host=HOST)
    assert not any(line.startswith("admitted:") for line in said.splitlines())


def test_a_severity_is_a_word_and_a_child_is_named() -> None:
    child = "sha256:" + "1" * 64
    record: JsonObject = {"reasons": [reason("A", severity="deny", subject=child), reason("B", severity="warn")]}
    said = explain(view(Condition.HELD), [decided(record)], host=HOST).splitlines()
    assert f"      --> {child}" in said
    assert "  error[A]: m" in said
    assert "  warning[B]: m" in said


@pytest.mark.parametrize(
    ("severity", "told"),
    [
        pytest.param("deny", "deny", id="deny"),
        pytest.param("hold", "hold", id="hold"),
        pytest.param("warn", "warn", id="warn"),
        pytest.param("new", "hold", id="of-another-version"),
    ],
)
def test_a_reason_has_the_severity_that_was_recorded(severity: str, told: str) -> None:
    (found,) = reasons_of(view(Condition.HELD), [decided({"reasons": [reason("A", severity=severity)]})])
    assert (found.code, found.severity) == ("A", told)


def test_who_pushed_is_told_by_name() -> None:
    assert "pushed by alice" in explain(view(Condition.HELD), [], host=HOST, pushed_by="alice")


def test_one_decision_is_told_alone() -> None:
    said = explain_decision(decided({"reasons": [reason("A", "m\nn")]}, outcome="denied")).splitlines()
    assert said[0] == f"team/app@{DIGEST}"
    assert said[1].startswith("denied: manifest, ")
    assert "  waiting[A]: m\\nn" in said


def test_an_attestation_is_named_by_its_predicate() -> None:
    item: JsonObject = {"predicate_type": "https://slsa.dev/provenance/v1", "signer_name": "k", "format": "f"}
    said = explain(view(Condition.HELD), [decided({"evidence": [item]})], host=HOST)
    assert "  proven: https://slsa.dev/provenance/v1 by k (f, " in said


class TestWhyItWaits:
    """A tag's decision is the rules' alone: what trust misses stands in the manifest's."""

    manifest = decided({"reasons": [reason("SIGNATURE_MISSING")]})
    tag = decided({"reasons": [reason("TAG001")]}, tag="v1")

    def codes(self, seen: ManifestView, tag: str | None) -> list[str]:
        return [item.code for item in reasons_of(seen, [self.tag, self.manifest], tag=tag)]

    def test_of_what_is_not_visible_the_manifest_says_it(self) -> None:
        assert self.codes(view(Condition.HELD), "v1") == ["SIGNATURE_MISSING"]

    def test_of_what_is_visible_the_tag_does(self) -> None:
        assert self.codes(view(Condition.ADMITTED, visible=True), "v1") == ["TAG001"]

    def test_the_help_is_of_the_manifest(self) -> None:
        said = explain(view(Condition.HELD), [self.tag, self.manifest], host=HOST)
        assert said.endswith(
            f"    cosign sign --key cosign.key --use-signing-config=false --tlog-upload=false {HOST}/team/app@{DIGEST}"
        )


def test_the_newest_decision_of_each_tag_is_told() -> None:
    rows = [decided({}, tag="b"), decided({}, tag="a", outcome="admitted"), decided({}, tag="a")]
    said = explain(view(Condition.HELD), rows, host=HOST).splitlines()
    assert [line.partition(",")[0] for line in said if "tag " in line] == ["admitted: tag a", "held: tag b"]
    assert len(record_of(None, rows)["decisions"]) == 3  # type: ignore[arg-type]  # a list among objects
