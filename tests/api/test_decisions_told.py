"""Every decision that is recorded is told of, by the id that the client reads and the catalog has."""

from pathlib import Path

from gateway.oci.names import Tag
from tests.support.evidence import signed_bundle
from tests.support.images import image
from tests.support.whole import KEY, furnished, whole


def test_a_push_that_is_held_then_signed_is_told_of_as_it_is_decided(tmp_path: Path) -> None:
    with whole(tmp_path / "state") as bare:
        built = furnished(bare)
        app = image("one")
        held = built.push("pusher", app, "v1")
        assert held.status == 201
        first, tag = built.decisions
        assert (tag.outcome, tag.tag) == ("held", Tag("v1"))
        assert (first.outcome, str(first.digest), first.codes) == (
            "held",
            str(app.digest),
            ("SIGNATURE_MISSING", "SIG001"),
        )
        assert (first.principal, first.trigger) == ("u:pusher", "push")
        assert built.records[-1]["decision_id"] == first.decision_id
        assert first.policy_revision

        assert built.attach("pusher", signed_bundle(KEY, subject=app.digest)).status == 201
        outcomes = [(told.outcome, None if told.tag is None else told.tag.text) for told in built.decisions[2:]]
        assert ("admitted", None) in outcomes
        assert ("admitted", "v1") in outcomes
        recorded = {row[0] for row in built.sql("SELECT id FROM decision")}
        assert recorded == {told.decision_id for told in built.decisions}


def test_what_is_decided_in_the_background_is_told_of(tmp_path: Path) -> None:
    with whole(tmp_path / "state") as bare:
        built = furnished(bare)
        app = image("one")
        built.push("pusher", app, "v1")
        built.attach("pusher", signed_bundle(KEY, subject=app.digest))
        before = len(built.decisions)
        built.rules({"registry": {"config": {"rules": {"SIZE001": {"max_bytes": 1}}}}})
        built.work()
        (drifted,) = built.decisions[before:]
        assert (drifted.outcome, drifted.trigger, drifted.codes) == ("drift", "policy", ("SIZE001",))
        assert drifted.principal == "u:pusher"
