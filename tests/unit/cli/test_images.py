"""`image` and `audit`: what a manifest is, why, and asking again; with the real rules and a real key."""

import re
from pathlib import Path

import pytest

from gateway.admission.values import Admitted, Held, Refused
from tests.support.command_line import Home
from tests.support.evidence import signed_bundle, signer, trust_files
from tests.support.images import image

KEY = signer("ecdsa-p256", 1)
OTHER_KEY = signer("ecdsa-p256", 2)
APP = image("one")
LEAKY = image("two", env=("PASSWORD=correct-horse-battery-staple",))
UNKNOWN = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def told(peopled: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A folder with a project, a key that is trusted, an image that waits and one that was refused."""
    home = peopled.copy(tmp_path_factory.mktemp("told") / "registry")
    home.trust(trust_files(KEY))
    assert isinstance(home.push(APP, "v1"), Held)
    assert isinstance(home.push(LEAKY, "v2"), Refused)
    return home


@pytest.fixture
def waiting(told: Home, tmp_path: Path) -> Home:
    """The same, of one's own."""
    return told.copy(tmp_path / "registry")


def normalised(text: str) -> str:
    """Return an explanation with what differs from run to run made the same."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "DATE", text)
    text = re.sub(r"u:[0-9a-f-]{36}", "USER", text)
    text = re.sub(r"\(decision [^)]+\)", "(decision ID)", text)
    return re.sub(
        r"^  policy sha256:[0-9a-f]{12}, trust sha256:[0-9a-f]{12}$",
        "  policy REVISION, trust REVISION",
        text,
        flags=re.MULTILINE,
    )


HELD = f"""\
team/app@{APP.digest}
  is held: stored, and not visible to whoever only pulls
  first seen DATE, pushed by alice

held: manifest, decided DATE (decision ID)
  for alice (USER), because of push
  waiting[SIGNATURE_MISSING]: trust policy policy wants a signature by key-0, and there is none
  waiting[SIG001]: not signed by a signer whom the project's trust policy trusts
  policy REVISION, trust REVISION

held: tag v1, decided DATE (decision ID)
  for alice (USER), because of push
  waiting[SIG001]: not signed by a signer whom the project's trust policy trusts
  policy REVISION, trust REVISION

help: supply what is missing:
    cosign sign --key cosign.key --use-signing-config=false --tlog-upload=false localhost:5443/team/app@{APP.digest}
"""

PROMOTED = f"""\
team/app@{APP.digest}
  is admitted: whoever may pull here sees it
  first seen DATE, pushed by alice

admitted: manifest, decided DATE (decision ID)
  for alice (USER), because of evidence
  proven: signature by key-0 (sigstore-bundle, policy policy)
  policy REVISION, trust REVISION

admitted: tag v1, decided DATE (decision ID)
  for alice (USER), because of evidence
  proven: signature by key-0 (sigstore-bundle, policy policy)
  policy REVISION, trust REVISION
"""

REFUSED = f"""\
team/app@{LEAKY.digest}
  is not stored here: it was refused

denied: manifest, decided DATE (decision ID)
  for alice (USER), because of push
  error[SEC001]: looks like a secret: password in env:PASSWORD
  policy REVISION, trust REVISION
"""


class TestWhy:
    def test_of_what_waits(self, told: Home) -> None:
        assert normalised(told.done("image", "why", "team/app:v1").out) == HELD

    def test_is_the_same_by_every_name(self, told: Home) -> None:
        said = told.done("image", "why", "team/app:v1").out
        assert told.done("image", "why", f"team/app@{APP.digest}").out == said
        assert told.done("image", "why", "localhost:5443/team/app:v1").out == said

    def test_as_data(self, told: Home) -> None:
        said = told.data("image", "why", "team/app:v1")
        assert (said["state"], said["visible"], said["digest"]) == ("held", False, APP.digest)
        assert {decision["outcome"] for decision in said["decisions"]} == {"held"}
        assert {decision["tag"] for decision in said["decisions"]} == {None, "v1"}

    def test_of_what_was_refused(self, told: Home) -> None:
        assert normalised(told.done("image", "why", f"team/app@{LEAKY.digest}").out) == REFUSED

    def test_of_what_was_refused_by_the_tag_that_it_was_pushed_for(self, told: Home) -> None:
        assert normalised(told.done("image", "why", "team/app:v2").out) == REFUSED
        said = told.data("image", "why", "team/app:v2")
        assert (said["digest"], said["state"], said["visible"]) == (LEAKY.digest, None, False)

    def test_of_a_refused_push_to_a_tag_that_is_there(self, waiting: Home) -> None:
        assert isinstance(waiting.push(LEAKY, "v1"), Refused)
        said = normalised(waiting.done("image", "why", "team/app:v1").out)
        assert said == f"{REFUSED}\nteam/app:v1 itself is what it was:\n\n{HELD}"
        data = waiting.data("image", "why", "team/app:v1")
        assert (data["digest"], data["tag"]["digest"]) == (LEAKY.digest, APP.digest)

    def test_of_a_tag_that_moved_after_the_refusal(self, waiting: Home) -> None:
        assert isinstance(waiting.push(LEAKY, "v1"), Refused)
        other = image("three")
        assert isinstance(waiting.push(other, "v1"), Held)
        data = waiting.data("image", "why", "team/app:v1")
        assert data["digest"] == other.digest
        assert "tag" not in data

    def test_by_the_decision_id_of_the_refusal(self, waiting: Home) -> None:
        refused = waiting.push(LEAKY, "v3")
        assert isinstance(refused, Refused)
        assert refused.decision_id is not None
        said = waiting.done("image", "why", refused.decision_id).out
        assert said.startswith(f"team/app@{LEAKY.digest}\ndenied: manifest, decided ")
        assert f"(decision {refused.decision_id})" in said
        assert "error[SEC001]: looks like a secret" in said
        (decision,) = waiting.data("image", "why", refused.decision_id)["decisions"]
        assert (decision["id"], decision["reasons"][0]["severity"]) == (refused.decision_id, "deny")

    def test_of_what_was_promoted(self, waiting: Home) -> None:
        assert isinstance(waiting.attach(signed_bundle(KEY, subject=APP.digest)), Admitted)
        assert normalised(waiting.done("image", "why", "team/app:v1").out) == PROMOTED

    def test_of_a_signature_that_counts_for_nothing(self, waiting: Home) -> None:
        waiting.attach(signed_bundle(OTHER_KEY, subject=APP.digest))
        said = waiting.done("image", "why", "team/app:v1").out
        assert "counts for nothing: NO_MATCHING_KEY" in said

    @pytest.mark.parametrize(
        ("reference", "status"),
        [
            pytest.param("team/app:none", 1, id="no-such-tag"),
            pytest.param("00000000-0000-7000-8000-000000000000", 1, id="no-such-decision"),
            pytest.param(f"team/app@{UNKNOWN}", 1, id="no-such-digest"),
            pytest.param(f"nobody/app@{UNKNOWN}", 1, id="no-such-project"),
            pytest.param("team/app", 2, id="neither-tag-nor-digest"),
        ],
    )
    def test_of_nothing(self, told: Home, reference: str, status: int) -> None:
        ran = told.run("image", "why", reference)
        assert ran.status == status
        assert ran.out == ""
        assert ran.err.startswith("registry-gateway: ")


class TestShow:
    def test_what_waits(self, told: Home) -> None:
        shown = told.data("image", "show", "team/app:v1")
        assert (shown["digest"], shown["state"], shown["visible"]) == (APP.digest, "held", False)
        assert shown["class"] == "image"
        assert (shown["pushed_by"], shown["pushed_by_id"][:2]) == ("alice", "u:")
        assert shown["expires"] > shown["first_seen"]

    def test_nothing(self, told: Home) -> None:
        assert told.run("image", "show", "team/app:none").status == 1


class TestHeld:
    def test_lists_what_waits_and_why(self, told: Home) -> None:
        (row,) = told.data("image", "held")
        assert (row["repository"], row["digest"]) == ("team/app", APP.digest)
        assert [reason["code"] for reason in row["reasons"]] == ["SIGNATURE_MISSING", "SIG001"]
        assert row["pushed_by"] == "alice"
        assert "SIGNATURE_MISSING: trust policy policy wants a signature by key-0" in told.done("image", "held").out
        assert told.data("image", "held", "team") == [row]

    def test_nothing_of_another_project(self, told: Home, tmp_path: Path) -> None:
        home = told.copy(tmp_path / "registry")
        home.done("project", "create", "other")
        assert home.data("image", "held", "other") == []

    def test_nothing_that_is_admitted(self, waiting: Home) -> None:
        waiting.attach(signed_bundle(KEY, subject=APP.digest))
        assert waiting.data("image", "held") == []


class TestReevaluate:
    def test_still_waits(self, waiting: Home) -> None:
        ran = waiting.run("image", "reevaluate", "team/app:v1")
        assert ran.status == 1
        assert "SIGNATURE_MISSING" in ran.err

    def test_admits_under_a_key_that_is_trusted_now(self, waiting: Home) -> None:
        waiting.attach(signed_bundle(OTHER_KEY, subject=APP.digest))
        waiting.trust(trust_files(OTHER_KEY))
        assert waiting.data("image", "reevaluate", "team/app:v1")["state"] == "admitted"
        assert waiting.data("image", "show", "team/app:v1")["visible"] is True

    def test_what_would_fail_now_is_drift_and_stays(self, waiting: Home) -> None:
        waiting.attach(signed_bundle(KEY, subject=APP.digest))
        assert waiting.data("image", "drift") == []
        waiting.trust(trust_files(OTHER_KEY))
        waiting.run("image", "reevaluate", "team/app:v1")
        (row,) = waiting.data("image", "drift", "team")
        assert row["digest"] == APP.digest
        shown = waiting.done("image", "drift").out
        assert f"{row['reasons'][0]['code']}: {row['reasons'][0]['message']}" in shown
        assert "{" not in shown
        assert waiting.data("image", "show", "team/app:v1")["visible"] is True


class TestWait:
    def test_ends_with_the_reasons_when_the_time_is_over(self, told: Home) -> None:
        ran = told.run("image", "wait", "team/app:v1", "--timeout", "0")
        assert ran.status == 1
        assert "SIGNATURE_MISSING" in ran.err
        assert ran.err.startswith("team/app:v1 is not visible yet, 0 of 0 s ...\n")

    def test_ends_at_once_where_it_is_visible(self, waiting: Home) -> None:
        waiting.attach(signed_bundle(KEY, subject=APP.digest))
        ran = waiting.done("image", "wait", "team/app:v1")
        assert (ran.out, ran.err) == (f"team/app:v1 is visible: {APP.digest}\n", "")
        waited = waiting.data("image", "wait", f"team/app@{APP.digest}")
        assert (waited["digest"], waited["state"], waited["visible"]) == (APP.digest, "admitted", True)

    def test_nothing_is_not_waited_for(self, told: Home) -> None:
        assert told.run("image", "wait", "team/app:none", "--timeout", "0").status == 1


class TestRevoke:
    def test_hides_at_once_and_for_good(self, waiting: Home) -> None:
        waiting.attach(signed_bundle(KEY, subject=APP.digest))
        assert waiting.data("image", "revoke", "team/app:v1", "--reason", "leaked") == {
            "revoked": APP.digest,
            "reason": "leaked",
        }
        shown = waiting.data("image", "show", f"team/app@{APP.digest}")
        assert (shown["state"], shown["visible"]) == ("revoked", False)
        assert isinstance(waiting.push(APP, "v3"), Refused)
        event = next(row for row in waiting.data("audit", "tail") if row["kind"] == "manifest.revoked")
        assert event["data"]["reason"] == "leaked"

    def test_says_why(self, told: Home) -> None:
        assert told.run("image", "revoke", "team/app:v1").status == 2

    def test_bytes_that_are_not_here_yet(self, waiting: Home) -> None:
        assert waiting.run("image", "revoke", f"team/app@{UNKNOWN}", "--reason", "known bad").status == 0

    def test_nothing_of_no_project(self, told: Home) -> None:
        assert told.run("image", "revoke", f"nobody/app@{UNKNOWN}", "--reason", "x").status == 1


class TestAudit:
    def test_the_tail_is_the_newest_oldest_first(self, told: Home) -> None:
        rows = told.data("audit", "tail", "-n", "2")
        assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
        assert rows[-1]["kind"] == "manifest.denied"
        assert rows[-1]["digest"] == LEAKY.digest

    def test_the_tail_as_a_table_shows_no_python(self, told: Home) -> None:
        shown = told.done("audit", "tail").out
        assert "tags=v2" in shown
        assert "{" not in shown

    def test_an_event_names_the_decision_that_why_explains(self, told: Home) -> None:
        event = next(row for row in told.data("audit", "tail") if row["kind"] == "manifest.held")
        decisions = told.data("image", "why", "team/app:v1")["decisions"]
        assert event["decision"] in {decision["id"] for decision in decisions}

    def test_no_secret_is_anywhere(self, told: Home) -> None:
        assert "correct-horse-battery-staple" not in told.done("--output", "json", "audit", "tail").out
        catalog = (told.folder / "data" / "catalog.sqlite").read_bytes()
        assert b"correct-horse-battery-staple" not in catalog

    def test_who_pulled(self, waiting: Home) -> None:
        key = ("u:1", "team/app", APP.digest, "192.0.2.1", "pulled", 60)
        waiting.inside(lambda parts: parts.audit.record_pulls({key: (61, 119, 3)}))
        (row,) = waiting.data("audit", "who-pulled", APP.digest)
        assert row == {
            "who": "u:1",
            "repository": "team/app",
            "address": "192.0.2.1",
            "outcome": "pulled",
            "first": "1970-01-01T00:01:01Z",
            "last": "1970-01-01T00:01:59Z",
            "count": 3,
        }
        assert waiting.data("audit", "who-pulled", UNKNOWN) == []

    def test_who_pulled_what_is_no_digest(self, told: Home) -> None:
        ran = told.run("audit", "who-pulled", "latest")
        assert ran.status == 2
        assert ran.out == ""
