"""The contract of upload sessions, on every adapter."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.catalog.sqlite.uploads import MAX_OPEN, OPEN_RETRY_SECONDS
from gateway.catalog.values import MAX_PATCHES
from gateway.errors import Conflict, NameUnknown, TooManyRequests, UploadInvalid, UploadOutOfOrder, UploadUnknown
from gateway.oci.names import ProjectName, RepositoryName
from tests.support.catalog_admin import ADAPTERS, ALICE, BOB, NOW, Catalog

run = asyncio.run
WEB = RepositoryName("acme/web")


@pytest.fixture(params=sorted(ADAPTERS))
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with ADAPTERS[request.param](tmp_path) as opened:
        opened.project()
        yield opened


def test_a_session_grows_by_what_is_acknowledged(catalog: Catalog) -> None:
    run(catalog.uploads.start("s1", WEB, principal=ALICE, now=NOW))
    row = run(catalog.uploads.upload("s1", WEB, principal_id=ALICE.id))
    assert (row.id, row.repository, row.principal_id) == ("s1", WEB, ALICE.id)
    assert (row.size, row.patches, row.started, row.touched) == (0, 0, NOW, NOW)
    run(catalog.uploads.advance("s1", from_size=0, to_size=10, now=NOW + 1))
    run(catalog.uploads.advance("s1", from_size=10, to_size=10, now=NOW + 2))
    run(catalog.uploads.advance("s1", from_size=10, to_size=2**40, now=NOW + 3))
    row = run(catalog.uploads.upload("s1", WEB, principal_id=ALICE.id))
    assert (row.size, row.patches, row.started, row.touched) == (2**40, 3, NOW, NOW + 3)
    run(catalog.uploads.end("s1"))
    with pytest.raises(UploadUnknown):
        run(catalog.uploads.upload("s1", WEB, principal_id=ALICE.id))
    run(catalog.uploads.end("s1"))


@pytest.mark.parametrize(
    ("session", "repository", "principal"),
    [
        pytest.param("s2", "acme/web", ALICE.id, id="no-such-session"),
        pytest.param("s1", "acme/web", BOB.id, id="another-principal"),
        pytest.param("s1", "acme/api", ALICE.id, id="another-repository"),
        pytest.param("s1", "acme", ALICE.id, id="the-project"),
        pytest.param("s1", "other/web", ALICE.id, id="another-project"),
        pytest.param("s1", "acme/web", "anonymous", id="anonymous"),
        pytest.param("S1", "acme/web", ALICE.id, id="another-case"),
        pytest.param("", "acme/web", ALICE.id, id="empty"),
    ],
)
def test_row_118_to_anybody_else_a_session_does_not_exist(
    catalog: Catalog, session: str, repository: str, principal: str
) -> None:
    run(catalog.uploads.start("s1", WEB, principal=ALICE, now=NOW))
    with pytest.raises(UploadUnknown) as caught:
        run(catalog.uploads.upload(session, RepositoryName(repository), principal_id=principal))
    assert (caught.value.message, caught.value.session) == (UploadUnknown("").message, session)


def test_of_two_chunks_for_one_place_one_counts(catalog: Catalog) -> None:
    run(catalog.uploads.start("s1", WEB, principal=ALICE, now=NOW))
    run(catalog.uploads.advance("s1", from_size=0, to_size=10, now=NOW))
    with pytest.raises(UploadOutOfOrder) as caught:
        run(catalog.uploads.advance("s1", from_size=0, to_size=99, now=NOW + 1))
    assert caught.value.offset_bytes == 10
    row = run(catalog.uploads.upload("s1", WEB, principal_id=ALICE.id))
    assert (row.size, row.patches, row.touched) == (10, 1, NOW)


def test_racing_chunks_are_acknowledged_once(catalog: Catalog) -> None:
    run(catalog.uploads.start("s1", WEB, principal=ALICE, now=NOW))

    async def race() -> list[BaseException | None]:
        steps = (catalog.uploads.advance("s1", from_size=0, to_size=size, now=NOW) for size in range(1, 31))
        return await asyncio.gather(*steps, return_exceptions=True)

    outcomes = run(race())
    assert [outcome for outcome in outcomes if outcome is None] == [None]
    assert all(isinstance(outcome, UploadOutOfOrder) for outcome in outcomes if outcome is not None)
    assert run(catalog.uploads.upload("s1", WEB, principal_id=ALICE.id)).patches == 1


def test_a_session_that_is_gone_does_not_come_back(catalog: Catalog) -> None:
    with pytest.raises(UploadUnknown):
        run(catalog.uploads.advance("s1", from_size=0, to_size=1, now=NOW))
    with pytest.raises(UploadUnknown):
        run(catalog.uploads.upload("s1", WEB, principal_id=ALICE.id))


def test_a_session_does_not_shrink(catalog: Catalog) -> None:
    run(catalog.uploads.start("s1", WEB, principal=ALICE, now=NOW))
    run(catalog.uploads.advance("s1", from_size=0, to_size=10, now=NOW))
    with pytest.raises(UploadInvalid):
        run(catalog.uploads.advance("s1", from_size=10, to_size=9, now=NOW))
    assert run(catalog.uploads.upload("s1", WEB, principal_id=ALICE.id)).size == 10


def test_the_number_of_chunks_is_bounded(catalog: Catalog) -> None:
    async def fill() -> None:
        await catalog.uploads.start("s1", WEB, principal=ALICE, now=NOW)
        # Queued at once, so that they share their commits.
        await asyncio.gather(
            *(catalog.uploads.advance("s1", from_size=at, to_size=at + 1, now=NOW) for at in range(MAX_PATCHES))
        )
        with pytest.raises(UploadInvalid):
            await catalog.uploads.advance("s1", from_size=MAX_PATCHES, to_size=MAX_PATCHES + 1, now=NOW)

    run(fill())
    assert run(catalog.uploads.upload("s1", WEB, principal_id=ALICE.id)).patches == MAX_PATCHES


def test_a_chunk_that_came_to_nothing_counts_as_one(catalog: Catalog) -> None:
    run(catalog.uploads.start("s1", WEB, principal=ALICE, now=NOW))
    run(catalog.uploads.count_failed("s1"))
    run(catalog.uploads.advance("s1", from_size=0, to_size=1, now=NOW))
    run(catalog.uploads.count_failed("s1"))
    row = run(catalog.uploads.upload("s1", WEB, principal_id=ALICE.id))
    assert (row.size, row.patches) == (1, 3)
    run(catalog.uploads.count_failed("s2"))
    with pytest.raises(UploadUnknown):
        run(catalog.uploads.upload("s2", WEB, principal_id=ALICE.id))


def test_the_sessions_of_a_principal_in_a_project_are_bounded(catalog: Catalog) -> None:
    """In the project, whichever its repositories; also where they are started at one time."""
    catalog.project(ProjectName("other"))
    api, other = RepositoryName("acme/api"), RepositoryName("other/web")

    async def fill() -> list[BaseException | None]:
        return await asyncio.gather(
            *(
                catalog.uploads.start(f"s{number}", api if number % 2 else WEB, principal=ALICE, now=NOW)
                for number in range(MAX_OPEN + 5)
            ),
            return_exceptions=True,
        )

    refused = [answer for answer in run(fill()) if answer is not None]
    assert [type(error) for error in refused] == [TooManyRequests] * 5
    with pytest.raises(TooManyRequests) as caught:
        run(catalog.uploads.start("one-more", WEB, principal=ALICE, now=NOW))
    assert caught.value.retry_after_seconds == OPEN_RETRY_SECONDS
    run(catalog.uploads.start("of-another", WEB, principal=BOB, now=NOW))
    run(catalog.uploads.start("elsewhere", other, principal=ALICE, now=NOW))
    run(catalog.uploads.end("s0"))
    run(catalog.uploads.start("one-more", WEB, principal=ALICE, now=NOW))


def test_a_repository_without_a_project_takes_no_upload(catalog: Catalog) -> None:
    with pytest.raises(NameUnknown):
        run(catalog.uploads.start("s1", RepositoryName("nobody/web"), principal=ALICE, now=NOW))


def test_an_id_is_used_once(catalog: Catalog) -> None:
    run(catalog.uploads.start("s1", WEB, principal=ALICE, now=NOW))
    with pytest.raises(Conflict):
        run(catalog.uploads.start("s1", RepositoryName("acme/api"), principal=BOB, now=NOW))
    assert run(catalog.uploads.upload("s1", WEB, principal_id=ALICE.id)).principal_id == ALICE.id


def test_idle_sessions_longest_first(catalog: Catalog) -> None:
    for session, started in (("new", NOW), ("old", NOW - 20), ("older", NOW - 30), ("busy", NOW - 40)):
        run(catalog.uploads.start(session, WEB, principal=ALICE, now=started))
    run(catalog.uploads.advance("busy", from_size=0, to_size=1, now=NOW))
    assert run(catalog.uploads.idle(before=NOW, limit=10)) == ["older", "old"]
    assert run(catalog.uploads.idle(before=NOW, limit=1)) == ["older"]
    assert run(catalog.uploads.idle(before=NOW - 30, limit=10)) == []
