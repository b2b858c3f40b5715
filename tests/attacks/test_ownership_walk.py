"""Row 102 by chance: whatever three people do, nothing is shown by who only knew its digest, and every byte is counted."""

from pathlib import Path

import pytest

from tests.support.admission import House
from tests.support.naming_stories import tell
from tests.support.ownership_walk import Walk


@pytest.mark.parametrize("seed", range(24))
def test_row_102_no_walk_shows_what_somebody_only_named(tmp_path: Path, seed: int) -> None:
    async def story(home: House) -> None:
        walk = await Walk.start(home, seed)
        for _ in range(12):
            await walk.step()
        await walk.finish()

    tell(tmp_path, story)
