"""Row 102 by chance: whatever three people do, nothing is shown by who only knew its digest, and every byte is counted."""

from pathlib import Path

import pytest

from tests.support.admission import House
from tests.support.naming_stories import tell
from tests.support.ownership_walk import Walk

WALKS = 24
STEPS = 12
"""What a few seconds are enough for: a sample, of which no mutant says how large it has to be."""


@pytest.mark.parametrize("seed", range(WALKS))
def test_row_102_no_walk_shows_what_somebody_only_named(tmp_path: Path, seed: int) -> None:
    async def story(home: House) -> None:
        walk = await Walk.start(home, seed)
        for _ in range(STEPS):
            await walk.step()
        await walk.finish()

    tell(tmp_path, story)
