"""CI jobs whose session ends, or who have no say, while what they bring is on its way into the catalog."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.access.values import Role
from gateway.admission.values import Outcome, Push
from tests.support.api import Reply
from tests.support.ci import ADDRESS, Jobs, jobs
from tests.support.evidence import signed_bundle, trust_files
from tests.support.images import image
from tests.support.whole import HOST, KEY, run


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Jobs]:
    with jobs(tmp_path) as built:
        yield built


class TestWhatIsOnItsWay:
    """The session ends after the guard has let a request in, and before what it brings is committed."""

    @staticmethod
    def put(made: Jobs, access: str, meanwhile: Callable[[], object]) -> Reply:
        artifact = image("late")
        for blob in artifact.blobs:
            target = f"/v2/team/app/blobs/uploads/?digest={blob.digest}"
            assert made.gateway.client.send("POST", target, body=blob.content, token=access, host=HOST).status == 201
        admission = made.gateway.api._dependencies.admission
        real = admission.push

        async def push(asked: Push) -> Outcome:
            await asyncio.to_thread(meanwhile)
            outcome: Outcome = await real(asked)
            return outcome

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(admission), "push", lambda _, asked: push(asked))
            return made.gateway.client.send(
                "PUT",
                "/v2/team/app/manifests/late",
                body=artifact.manifest.content,
                headers=[("content-type", artifact.manifest.media_type)],
                token=access,
                host=HOST,
            )

    def test_is_not_committed_once_it_was_ended(self, made: Jobs) -> None:
        made.rule()
        token = made.token()
        access = made.access(token)
        ci = made.sessions
        reply = self.put(made, access, lambda: run(ci.end(token, address=ADDRESS, now=made.gateway.now)))
        assert (reply.status, reply.code) == (403, "DENIED")
        assert made.gateway.count("manifest", "tag") == {"manifest": 0, "tag": 0}

    @pytest.mark.parametrize(("late", "status"), [(119, 201), (120, 403)])
    def test_is_committed_two_minutes_after_its_time(self, made: Jobs, late: int, status: int) -> None:
        made.rule(more='session = "400s"')
        access = made.access(made.token())

        def wait() -> None:
            made.gateway.clock[0] += 400 + late

        assert self.put(made, access, wait).status == status


def test_what_stands_is_nobody_s_who_puts_it_again(made: Jobs) -> None:
    """Else a branch that may not push could have what the main branch has pushed taken away with the next activation."""
    made.gateway.trust(trust_files(KEY))
    made.rule()
    made.gateway.person("dev", ("team", Role.WRITER))
    artifact = image("stands")
    main = made.access(made.token(ref="refs/heads/main", ref_type="branch"))
    assert made.push(main, artifact).status == 201
    assert made.gateway.attach("dev", signed_bundle(KEY, subject=artifact.digest)).status == 201
    before = made.gateway.sql("SELECT who, who_claims, state FROM manifest WHERE class = 'image'")
    assert before[0][2] == 1
    feature = made.access(made.token(ref="refs/heads/feature", ref_type="branch"))
    assert made.push(feature, artifact, artifact.digest).status == 201
    assert made.gateway.push("dev", artifact, artifact.digest).status == 201
    assert made.gateway.sql("SELECT who, who_claims, state FROM manifest WHERE class = 'image'") == before
