"""Every route of a repository x every state: who gets one and the same answer, to the byte, and leaves no trace.

What each caller gets is a table written by hand, `tests/attacks/matrix.py`, walked over the whole gateway. Here is what the
fakes beneath the API show: that two answers are equal in all they say, and that for a stranger no pull was counted and
no push was handed on. A route that is in the endpoint table and not here, or the other way round, fails the walk.
"""

import pytest

from gateway.access.values import Condition
from gateway.api.routes import TABLE, Actions
from gateway.oci import media_types
from gateway.oci.digest import Digest
from tests.support.api import House, Reply, house
from tests.support.identity import NOW
from tests.support.oci import descriptor, encode, image

STATES = ("admitted", "carried", "held", "distrusted", "revoked", "absent")
BLOB = b"layer"
SUBJECT = descriptor(b"subject", media_type=media_types.OCI_MANIFEST)
IMAGE = encode(image(subject=SUBJECT))
DIGEST = Digest.of(IMAGE)

ROUTES = (
    "GET manifest digest",
    "GET manifest tag",
    "GET manifest waiting",
    "GET blob",
    "GET blob range",
    "GET referrers",
    "GET tags tag",
    "GET tags waiting",
    "GET session",
    "PUT manifest digest",
    "PUT manifest tag",
    "PUT session",
    "DELETE manifest digest",
    "DELETE manifest tag",
    "DELETE manifest waiting",
    "DELETE blob",
    "DELETE session",
    "POST upload",
    "PATCH session",
)
"""Method and object; ``tag`` points to the manifest, ``waiting`` is a tag that somebody else's account asked for."""

# Whoever has no right in the project gets the same whatever is there.
READS_AND_DELETES_WITHOUT_RIGHT = 401
PUSHES_WITHOUT_RIGHT = 404
STRANGERS = ("outsider", "auditor")


def furnished(state: str, route: str) -> House:
    """Return a house whose one manifest, with its blob and tag, is in ``state``."""
    made = house()
    if state != "absent":
        condition = Condition(state)
        waiting = route.endswith("waiting")
        view = made.registry.put(
            IMAGE, condition=condition, tag="v1", pending=waiting, requester="u:writer" if waiting else None
        )
        made.add_blob(BLOB, visible=view.visible)
    return made


def send(made: House, route: str, token: str | None, method: str | None = None) -> Reply:
    verb, what, *more = route.split()
    reference = str(DIGEST) if more == ["digest"] else "v1"
    paths = {
        "manifest": f"/v2/team/app/manifests/{reference}",
        "blob": f"/v2/team/app/blobs/{Digest.of(BLOB)}",
        "referrers": f"/v2/team/app/referrers/{SUBJECT['digest']}",
        "tags": "/v2/team/app/tags/list",
        "upload": "/v2/team/app/blobs/uploads/",
        "session": f"/v2/team/app/blobs/uploads/nobodys?digest={Digest.of(BLOB)}",
    }
    headers = [("range", "bytes=0-1")] if more == ["range"] else []
    put = verb == "PUT" and what == "manifest"
    if put:
        headers.append(("content-type", media_types.OCI_MANIFEST))
    return made.client.send(method or verb, paths[what], token=token, headers=headers, body=IMAGE if put else b"")


@pytest.mark.parametrize("route", ROUTES)
def test_whoever_is_above_a_maintainer_sees_what_he_sees(route: str) -> None:
    """The table of attacks ends with a maintainer: an owner and an administrator get his answers, to the byte."""
    for state in STATES:
        answers = set()
        for caller in ("maintainer", "owner", "admin"):
            made = furnished(state, route)
            reply = send(made, route, made.all_of(caller))
            assert not made.failures
            answers.add((reply.status, reply.headers, reply.body))
        assert len(answers) == 1, state


@pytest.mark.parametrize("route", ROUTES)
def test_everybody_else_gets_one_answer_whatever_is_there(route: str) -> None:
    pushes = route in ("PUT manifest digest", "PUT manifest tag", "POST upload") or route.endswith("session")
    for name in ("none", "bad", "expired", "disabled", "anonymous", *STRANGERS):
        answers = set()
        for state in STATES:
            made = furnished(state, route)
            tokens = {
                "none": None,
                "bad": made.all_of("owner")[:-4] + "AAAA",
                "expired": made.token("owner", "repository:team/app:pull,push,delete", issued=NOW - 400),
            }
            token = tokens[name] if name in tokens else made.all_of(name)
            reply = send(made, route, token)
            expected = PUSHES_WITHOUT_RIGHT if pushes and name in STRANGERS else READS_AND_DELETES_WITHOUT_RIGHT
            assert reply.status == expected, (name, state)
            answers.add((reply.headers, reply.body))
            assert made.pulls == []
            assert made.registry.pushes == []
            if route.startswith("GET"):
                assert send(made, route, token, "HEAD").headers == reply.headers
        assert len(answers) == 1, name


def test_every_route_of_a_repository_is_in_the_table() -> None:
    words = {
        "manifests/<reference>": "manifest",
        "blobs/<digest>": "blob",
        "referrers/<digest>": "referrers",
        "tags/list": "tags",
        "blobs/uploads/": "upload",
        "blobs/uploads/<session>": "session",
    }
    there = {
        (method, words[row.path.removeprefix("/v2/<name>/")])
        for row in TABLE
        if isinstance(row.needs, Actions)
        for method in row.methods
        if method != "HEAD"
    }
    assert {tuple(route.split()[:2]) for route in ROUTES} == there
