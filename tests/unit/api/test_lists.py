"""Tags and repositories over HTTP."""

import asyncio

import pytest

from gateway.access.values import Condition
from gateway.catalog.values import ManifestClass
from gateway.identity.values import SYSTEM
from gateway.oci.names import ProjectName, RepositoryName
from tests.support.api import House, Reply, house
from tests.support.identity import NOW
from tests.support.oci import encode, image

IMAGE = encode(image())


@pytest.fixture
def made() -> House:
    return house()


def tags(made: House, query: str = "", who: str = "reader", **more: str) -> Reply:
    headers = [("registry-gateway-view", "pending")] if more else []
    token = made.token(who, "repository:team/app:pull")
    return made.client.send("GET", f"/v2/team/app/tags/list{query}", token=token, headers=headers)


def catalog(made: House, query: str = "", who: str = "reader") -> Reply:
    return made.client.send("GET", f"/v2/_catalog{query}", token=made.token(who, "registry:catalog:*"))


def named(reply: Reply) -> list[str]:
    assert reply.status == 200
    document = reply.json()
    found: list[str] = document.get("tags", document.get("repositories"))
    return found


def fill(made: House) -> None:
    for tag in ("v2", "Z", "a", "v1", "_x"):
        made.registry.put(IMAGE, tag=tag)
    made.registry.put(IMAGE, tag="waiting", condition=Condition.HELD, pending=True, requester="u:writer")


def test_tags_are_in_byte_order_and_whole(made: House) -> None:
    fill(made)
    reply = tags(made)
    assert reply.json() == {"name": "team/app", "tags": ["Z", "_x", "a", "v1", "v2"]}
    assert not reply.every("link")
    assert not reply.every("cache-control")


@pytest.mark.parametrize(
    ("query", "names", "link"),
    [
        pytest.param("?n=2", ["Z", "_x"], "</v2/team/app/tags/list?n=2&last=_x>", id="first-page"),
        pytest.param("?n=2&last=_x", ["a", "v1"], "</v2/team/app/tags/list?n=2&last=v1>", id="second-page"),
        pytest.param("?n=2&last=v1", ["v2"], None, id="last-page"),
        pytest.param("?n=5", ["Z", "_x", "a", "v1", "v2"], None, id="exactly-all"),
        pytest.param("?n=0", [], None, id="none"),
        pytest.param("?last=v0", ["v1", "v2"], None, id="last-that-there-is-not"),
        pytest.param("?last=zzz", [], None, id="past-the-end"),
        pytest.param("?n=999999", ["Z", "_x", "a", "v1", "v2"], None, id="more-than-there-can-be"),
    ],
)
def test_pages_of_tags(made: House, query: str, names: list[str], link: str | None) -> None:
    fill(made)
    reply = tags(made, query)
    assert named(reply) == names
    assert reply.every("link") == ([] if link is None else [f'{link}; rel="next"'])


@pytest.mark.parametrize("query", ["?n=-1", "?n=x", "?n=", "?n=1&n=2", "?last=%00"])
def test_pages_that_are_refused(made: House, query: str) -> None:
    fill(made)
    assert tags(made, query).status == 400


@pytest.mark.parametrize(
    ("who", "view", "listed"),
    [
        pytest.param("writer", False, True, id="who-pushed-it"),
        pytest.param("scanner", False, True, id="scanner"),
        pytest.param("owner", False, False, id="owner"),
        pytest.param("owner", True, True, id="owner-who-asks"),
        pytest.param("reader", True, False, id="reader-who-asks"),
    ],
)
def test_a_waiting_tag_is_listed_where_it_is_answered(made: House, who: str, view: bool, listed: bool) -> None:
    fill(made)
    reply = tags(made, "", who, **({"view": "pending"} if view else {}))
    assert ("waiting" in named(reply)) is listed
    assert reply.every("cache-control") == (["private, no-store"] if listed else [])


@pytest.mark.parametrize("who", ["reader", "writer", "scanner", "signer", "owner", "outsider"])
@pytest.mark.parametrize("condition", list(Condition), ids=str)
@pytest.mark.parametrize("cls", list(ManifestClass), ids=str)
@pytest.mark.parametrize("pending", [False, True], ids=["target", "pending"])
def test_a_tag_is_listed_exactly_where_it_is_answered(
    made: House, who: str, condition: Condition, cls: ManifestClass, pending: bool
) -> None:
    made.registry.put(IMAGE, tag="t", condition=condition, cls=cls, pending=pending, requester="u:writer")
    token = made.token(who, "repository:team/app:pull")
    answered = made.client.send("GET", "/v2/team/app/manifests/t", token=token)
    reply = tags(made, "", who)
    assert (reply.status == 200 and named(reply) == ["t"]) is (answered.status == 200)
    assert reply.every("cache-control") == answered.every("cache-control")


def test_a_repository_with_nothing_for_the_caller_is_not_there(made: House) -> None:
    before = tags(made)
    assert (before.status, before.code) == (404, "NAME_UNKNOWN")
    made.registry.put(IMAGE, tag="waiting", condition=Condition.HELD, pending=True, requester="u:writer")
    hidden = tags(made)
    assert (hidden.status, hidden.headers, hidden.body) == (404, before.headers, before.body)
    assert named(tags(made, "", "writer")) == ["waiting"]
    assert named(tags(made, "", "owner")) == []
    assert named(tags(made, "?last=x", "owner")) == []


def test_catalog(made: House) -> None:
    for name in ("team/b", "team/a", "open/x", "other/secret"):
        made.registry.put(IMAGE, repository=RepositoryName(name))
    made.registry.put(IMAGE, repository=RepositoryName("team/held"), condition=Condition.HELD)
    made.registry.put(IMAGE, repository=RepositoryName("open/held"), condition=Condition.HELD)
    assert catalog(made).json() == {"repositories": ["open/x", "team/a", "team/b"]}
    assert named(catalog(made, "", "outsider")) == ["open/x", "other/secret"]
    assert named(catalog(made, "", "auditor")) == ["open/x"]
    writer = catalog(made, "", "writer")
    assert named(writer) == ["open/x", "team/a", "team/b", "team/held"]
    assert writer.one("cache-control") == "private, no-store"
    reply = catalog(made, "?n=1")
    assert named(reply) == ["open/x"]
    # The next page is named by what was seen, never by what is hidden in between.
    assert reply.one("link") == '</v2/_catalog?n=1&last=open%2Fx>; rel="next"'


def test_a_project_that_is_gone_is_not_listed(made: House) -> None:
    made.registry.put(IMAGE, repository=RepositoryName("team/a"))
    asyncio.run(made.directory.delete_project(ProjectName("team"), by=SYSTEM, now=NOW))
    assert named(catalog(made)) == []


def test_anonymous_has_no_catalog(made: House) -> None:
    made.registry.put(IMAGE, repository=RepositoryName("open/x"))
    reply = made.client.send("GET", "/v2/_catalog", token=made.token("anonymous"))
    assert reply.status == 401
    assert 'scope="registry:catalog:*"' in reply.one("www-authenticate")


def test_head_of_a_list(made: House) -> None:
    fill(made)
    token = made.token("reader", "repository:team/app:pull")
    assert made.client.send("HEAD", "/v2/team/app/tags/list", token=token).status == 200
