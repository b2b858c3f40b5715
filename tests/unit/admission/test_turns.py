"""Pushes of one tag take turns."""

import asyncio
from pathlib import Path

from gateway.admission.turns import InTurns
from gateway.admission.values import Admitted, Outcome, Push
from gateway.oci.names import Tag
from tests.support.admission import KEY, House, house, run
from tests.support.evidence import signed_bundle
from tests.support.images import Artifact, image


def test_many_pushes_of_one_tag_are_each_stored_at_the_first_attempt(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        images = [image(f"image-{number}") for number in range(20)]
        for made in images:
            await home.upload(made)
            await home.attach("alice", signed_bundle(KEY, subject=made.digest))
        admission = InTurns(home.gate)
        grant = await home.grant("alice")

        async def push(made: Artifact, *tags: str) -> Outcome:
            named = tuple(Tag.parse(tag) for tag in tags)
            body, kind = made.manifest.content, made.manifest.media_type
            return await admission.push(Push(grant, None, named, kind, body))

        outcomes = await asyncio.gather(
            *(
                push(made, "latest") if number % 2 else push(made, "stable", "latest")
                for number, made in enumerate(images)
            )
        )
        assert all(isinstance(outcome, Admitted) for outcome in outcomes)
        assert await home.target("latest") == images[-1].digest

    with house(tmp_path) as home:
        run(story(home))
