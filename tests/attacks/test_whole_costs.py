"""What one client may cost all others: bytes that are copied, links, repositories, memory, logins.

The gateway in this process; what is measured is work and never time.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.access.values import Role
from gateway.catalog.sqlite import loose
from gateway.cli.secrets import new_robot_secret
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.names import ProjectName
from tests.support.api import Client, Reply, basic
from tests.support.images import digest_of
from tests.support.whole import HOST, OPERATOR, PASSWORD, Whole, run, whole

REPOSITORY = "acme/app"
MIB = 1 << 20


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Whole]:
    with whole(tmp_path / "state") as made:
        made.project("acme")
        made.person("writer", ("acme", Role.WRITER))
        yield made


def bytes_moved() -> int:
    """Return how many bytes this process has read from and written to files."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"]) + int(fields["wchar"])


def test_chunks_of_another_length_than_they_say_copy_nothing(site: Whole) -> None:
    """Each made the gateway copy the session, for one byte: first to mend it, then to mend it again."""
    started = site.send("POST", f"/v2/{REPOSITORY}/blobs/uploads/", who="writer")
    where = started.one("location")
    size = 8 * MIB
    assert site.send("PATCH", where, who="writer", scope=REPOSITORY, body=bytes(size)).status == 202
    before = bytes_moved()
    for _ in range(20):
        reply = site.send(
            "PATCH",
            where,
            who="writer",
            scope=REPOSITORY,
            body=b"x",
            chunked=True,
            headers=[("content-range", f"{size}-{size + 1}")],
        )
        assert (reply.status, reply.code) == (400, "BLOB_UPLOAD_INVALID")
    assert bytes_moved() - before < size
    assert site.sql("SELECT size, patches FROM upload") == [(size, 21)]


def test_mounts_count_as_what_is_sent(site: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    """2,300 mounts were 2,300 links and as many repositories, and the sender had sent one byte."""
    monkeypatch.setattr(loose, "MAX_LOOSE", 5)
    monkeypatch.setattr(loose, "MAX_BARE", 3)
    digest = digest_of(b"x")
    assert site.upload("writer", b"x", digest, repository=REPOSITORY).status == 201
    token = site.token("writer", f"repository:{REPOSITORY}:pull", *(f"repository:acme/r{at}:push" for at in range(9)))

    def mount(number: int) -> int:
        path = f"/v2/acme/r{number}/blobs/uploads/?mount={digest}&from={REPOSITORY}"
        return site.client.send("POST", path, token=token, host=HOST).status

    assert [mount(number) for number in range(9)] == [201, 201, *[429] * 7]
    assert mount(1) == 201
    assert site.count("repository", "repo_blob", "upload") == {"repository": 3, "repo_blob": 3, "upload": 0}


def test_wrong_passwords_close_the_door_to_whoever_sends_them_and_to_nobody_else(site: Whole) -> None:
    """24 connections with wrong passwords had everybody else's right one answered with 429."""
    secret, digest = new_robot_secret()
    robot = Principal("r:ci", PrincipalKind.ROBOT, "robot+acme+ci")
    run(
        site.parts.principals.put_robot(
            robot,
            ProjectName.parse("acme"),
            secret_sha256=digest,
            expires=site.now + 3600,
            quarantine_read=False,
            role=Role.WRITER,
            by=OPERATOR,
            now=site.now,
        )
    )
    there, here = Client(site.api, address="203.0.113.9"), Client(site.api, address="2001:db8::7")
    beside = Client(site.api, address="2001:db8::8")

    def login(client: Client, name: str, password: str) -> Reply:
        return client.send("GET", "/token", host=HOST, headers=[basic(name, password)])

    told = [login(here, f"nobody-{number}", "wrong").status for number in range(70)]
    assert set(told[:50]) == {401}
    assert set(told[-5:]) == {429}
    refused = login(here, "writer", PASSWORD)
    assert (refused.status, int(refused.one("retry-after")) > 0) == (429, True)
    assert login(beside, "writer", PASSWORD).status == 429
    assert login(there, "writer", PASSWORD).status == 200
    # What we generated ourselves is looked up, and waits for nobody.
    assert login(here, robot.name, secret).status == 200
    site.clock[0] += 3600
    assert login(here, "writer", PASSWORD).status == 200
