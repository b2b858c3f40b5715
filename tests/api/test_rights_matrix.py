"""Every route of a repository x every state x every caller, compared with a table written by hand.

The table is read from DESIGN 3 and INTERFACE 3, not from the code. A route that is in the endpoint table and not here, or
the other way round, fails the walk.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gateway.access.values import Condition
from gateway.api.routes import TABLE, Actions
from gateway.oci import media_types
from gateway.oci.digest import Digest
from tests.support.api import House, Reply, house
from tests.support.identity import NOW
from tests.support.oci import descriptor, encode, image

STATES = ("admitted", "carried", "held", "distrusted", "revoked", "absent")
MEMBERS = ("reader", "writer", "scanner", "maintainer", "owner", "admin")
BLOB = b"layer"
SUBJECT = descriptor(b"subject", media_type=media_types.OCI_MANIFEST)
IMAGE = encode(image(subject=SUBJECT))
DIGEST = Digest.of(IMAGE)

# What a caller gets; `1` and `0` after a 200: whether the object is in the list. `waiting` is a tag that somebody else's
# account, the writer's, asked for; `tag` is one that points to the manifest.
BY_HAND = """
route                          state        reader  writer  scanner  maintainer  owner  admin
GET manifest digest            admitted     200     200     200      200         200    200
GET manifest digest            carried      200     200     200      200         200    200
GET manifest digest            held         404     200     200      200         200    200
GET manifest digest            distrusted   404     200     200      200         200    200
GET manifest digest            revoked      404     200     200      200         200    200
GET manifest digest            absent       404     404     404      404         404    404
GET manifest tag               admitted     200     200     200      200         200    200
GET manifest tag               carried      200     200     200      200         200    200
GET manifest tag               held         404     404     404      404         404    404
GET manifest tag               distrusted   404     404     404      404         404    404
GET manifest tag               revoked      404     404     404      404         404    404
GET manifest tag               absent       404     404     404      404         404    404
GET manifest waiting           admitted     404     200     200      404         404    404
GET manifest waiting           carried      404     200     200      404         404    404
GET manifest waiting           held         404     200     200      404         404    404
GET manifest waiting           distrusted   404     200     200      404         404    404
GET manifest waiting           revoked      404     200     200      404         404    404
GET manifest waiting           absent       404     404     404      404         404    404
GET blob                       admitted     200     200     200      200         200    200
GET blob                       carried      200     200     200      200         200    200
GET blob                       held         404     200     200      200         200    200
GET blob                       distrusted   404     200     200      200         200    200
GET blob                       revoked      404     200     200      200         200    200
GET blob                       absent       404     404     404      404         404    404
GET blob range                 admitted     206     206     206      206         206    206
GET blob range                 carried      206     206     206      206         206    206
GET blob range                 held         404     206     206      206         206    206
GET blob range                 distrusted   404     206     206      206         206    206
GET blob range                 revoked      404     206     206      206         206    206
GET blob range                 absent       404     404     404      404         404    404
GET referrers                  admitted     200/1   200/1   200/1    200/1       200/1  200/1
GET referrers                  carried      200/1   200/1   200/1    200/1       200/1  200/1
GET referrers                  held         200/0   200/1   200/1    200/1       200/1  200/1
GET referrers                  distrusted   200/0   200/1   200/1    200/1       200/1  200/1
GET referrers                  revoked      200/0   200/1   200/1    200/1       200/1  200/1
GET referrers                  absent       200/0   200/0   200/0    200/0       200/0  200/0
GET tags tag                   admitted     200/1   200/1   200/1    200/1       200/1  200/1
GET tags tag                   carried      200/1   200/1   200/1    200/1       200/1  200/1
GET tags tag                   held         404     200/0   200/0    200/0       200/0  200/0
GET tags tag                   distrusted   404     200/0   200/0    200/0       200/0  200/0
GET tags tag                   revoked      404     200/0   200/0    200/0       200/0  200/0
GET tags tag                   absent       404     404     404      404         404    404
GET tags waiting               admitted     404     200/1   200/1    200/0       200/0  200/0
GET tags waiting               carried      404     200/1   200/1    200/0       200/0  200/0
GET tags waiting               held         404     200/1   200/1    200/0       200/0  200/0
GET tags waiting               distrusted   404     200/1   200/1    200/0       200/0  200/0
GET tags waiting               revoked      404     200/1   200/1    200/0       200/0  200/0
GET tags waiting               absent       404     404     404      404         404    404
GET session                    *            401     404     404      404         404    404
PUT manifest digest            *            401     201     201      201         201    201
PUT manifest tag               *            401     201     201      201         201    201
DELETE manifest digest         admitted     401     401     401      202         202    202
DELETE manifest digest         carried      401     401     401      202         202    202
DELETE manifest digest         held         401     401     401      202         202    202
DELETE manifest digest         distrusted   401     401     401      202         202    202
DELETE manifest digest         revoked      401     401     401      202         202    202
DELETE manifest digest         absent       401     401     401      404         404    404
DELETE manifest tag            admitted     401     401     401      202         202    202
DELETE manifest tag            carried      401     401     401      202         202    202
DELETE manifest tag            held         401     401     401      202         202    202
DELETE manifest tag            distrusted   401     401     401      202         202    202
DELETE manifest tag            revoked      401     401     401      202         202    202
DELETE manifest tag            absent       401     401     401      404         404    404
DELETE manifest waiting        held         401     401     401      202         202    202
DELETE manifest waiting        absent       401     401     401      404         404    404
DELETE blob                    admitted     401     401     401      405         405    405
DELETE blob                    held         401     401     401      405         405    405
DELETE blob                    absent       401     401     401      404         404    404
POST upload                    *            401     202     202      202         202    202
PATCH session                  *            401     404     404      404         404    404
PUT session                    *            401     404     404      404         404    404
DELETE session                 *            401     404     404      404         404    404
"""

# A scanner's PUT passes the guard, since clients have no other word for writing a signature; that it is a signature is
# admission's to see. Whoever has no right in the project gets the same whatever is there:
READS_AND_DELETES_WITHOUT_RIGHT = 401
PUSHES_WITHOUT_RIGHT = 404
STRANGERS = ("outsider", "auditor")


@dataclass(frozen=True)
class Cell:
    route: str
    state: str
    caller: str
    expected: str


def cells() -> Iterator[Cell]:
    head, *lines = BY_HAND.strip().splitlines()
    callers = head.split()[2:]
    assert tuple(callers) == MEMBERS
    for line in lines:
        words = line.split()
        route, state, answers = " ".join(words[: -len(callers) - 1]), words[-len(callers) - 1], words[-len(callers) :]
        for one in STATES if state == "*" else (state,):
            yield from (Cell(route, one, caller, answer) for caller, answer in zip(callers, answers, strict=True))


CELLS = list(cells())
ROUTES = sorted({cell.route for cell in CELLS})


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


def told(reply: Reply, route: str) -> str:
    """Return the answer as the table writes it."""
    if reply.status != 200 or not route.startswith(("GET referrers", "GET tags")):
        return str(reply.status)
    listed = reply.json().get("manifests", reply.json().get("tags"))
    return f"200/{len(listed)}"


@pytest.mark.parametrize("route", ROUTES)
def test_members(route: str) -> None:
    wrong = []
    for cell in CELLS:
        if cell.route != route:
            continue
        made = furnished(cell.state, route)
        token = made.all_of(cell.caller)
        got = told(send(made, route, token), route)
        if got != cell.expected:
            wrong.append((cell, got))
        if route.startswith("GET"):
            head = send(made, route, token, "HEAD")
            status = got.split("/")[0].replace("206", "200")
            if str(head.status) != status:
                wrong.append((cell, f"HEAD {head.status}"))
        assert not made.failures
    assert wrong == []


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


def test_every_read_is_walked_in_every_state() -> None:
    for route in ROUTES:
        if route.startswith("GET"):
            assert {cell.state for cell in CELLS if cell.route == route} == set(STATES)
