"""What waits without a clock is looked at page by page too: none is left to wait for ever."""

from pathlib import Path

from gateway.admission.expiry import PAGE
from gateway.admission.worker import STRAYS_SECONDS
from tests.support.admission import House
from tests.support.admission_stories import limit_held_bytes, play
from tests.support.images import image
from tests.support.scripted_engine import ScriptedEngine


def test_everything_without_a_clock_is_given_one_however_much_it_is(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await limit_held_bytes(home, 10**12)
        for number in range(PAGE + 5):
            await home.put("alice", image(f"image-{number}"))
        await home.database.write(lambda connection: connection.execute("UPDATE manifest SET expires = NULL").rowcount)
        await home.worker.keep_looking()
        home.now += STRAYS_SECONDS
        await home.work()
        without = home.database.read(
            lambda connection: connection.execute("SELECT count(*) FROM manifest WHERE expires IS NULL").fetchone()
        )
        assert tuple(without) == (0,)
        assert home.failures == []

    play(tmp_path, story)
