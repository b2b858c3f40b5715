"""The fake, where it differs from a folder: it can be damaged, and it is told the time."""

import pytest

from gateway.errors import Internal
from gateway.oci.digest import Digest
from tests.support.content import chunks, run
from tests.support.content_memory import MemoryBlobs, memory_content

HELLO = Digest.of(b"hello")


def test_a_damaged_blob_is_not_served_as_content() -> None:
    blobs = MemoryBlobs()
    blobs.contents[HELLO] = b"hellO"
    with pytest.raises(Internal):
        run(blobs.read(HELLO, max_bytes=10))


def test_sessions_say_when_they_were_touched() -> None:
    times = iter([100, 200])
    content = memory_content(clock=lambda: next(times))

    async def story() -> list[int]:
        await content.uploads.create("session")
        await content.uploads.append("session", chunks(b"hello"), offset=0, max_bytes=10)
        return [held.touched for held in await content.uploads.sessions()]

    assert run(story()) == [200]
