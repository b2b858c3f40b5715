"""The endpoint table, and the matcher that is made of it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.handlers import Handlers
from gateway.api.routes import (
    REPEATABLE,
    TABLE,
    Actions,
    AnyToken,
    CatalogToken,
    Endpoint,
    Found,
    NoSuchAddress,
    Nothing,
    OtherMethod,
    Router,
    Row,
    Target,
    only,
    select,
)
from gateway.errors import DigestInvalid, GatewayError, NameInvalid, RequestInvalid, TagInvalid
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag
from tests.support.api import house
from tests.support.oci import PROPERTY

DIGEST = Digest.of(b"{}")
ROUTER = Router(TABLE)


def found(method: str, path: str) -> Found:
    match = ROUTER.match(method, path)
    assert isinstance(match, Found)
    return match


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "target"),
    [
        pytest.param("GET", "/v2/", Endpoint.PING, Target(), id="ping"),
        pytest.param("GET", "/v2", Endpoint.PING, Target(), id="ping-without-slash"),
        pytest.param("GET", "/v2/_catalog", Endpoint.CATALOG, Target(), id="catalog"),
        pytest.param(
            "GET",
            "/v2/team/app/manifests/v1",
            Endpoint.MANIFEST_READ,
            Target(RepositoryName("team/app"), reference=Tag("v1")),
            id="tag",
        ),
        pytest.param(
            "PUT",
            f"/v2/app/manifests/{DIGEST}",
            Endpoint.MANIFEST_PUT,
            Target(RepositoryName("app"), reference=DIGEST),
            id="digest",
        ),
        pytest.param(
            "GET",
            "/v2/team/manifests/manifests/blobs",
            Endpoint.MANIFEST_READ,
            Target(RepositoryName("team/manifests"), reference=Tag("blobs")),
            id="name-with-words-of-routes",
        ),
        pytest.param(
            "GET",
            "/v2/team/manifests/v1/tags/list",
            Endpoint.TAGS,
            Target(RepositoryName("team/manifests/v1")),
            id="the-last-words-count",
        ),
        pytest.param(
            "POST",
            "/v2/a/blobs/uploads/blobs/uploads/",
            Endpoint.UPLOAD_START,
            Target(RepositoryName("a/blobs/uploads")),
            id="name-like-an-upload",
        ),
        pytest.param(
            "PATCH",
            "/v2/a/b/blobs/uploads/x_1-2",
            Endpoint.UPLOAD_APPEND,
            Target(RepositoryName("a/b"), session="x_1-2"),
            id="session",
        ),
        pytest.param(
            "HEAD", f"/v2/a/blobs/{DIGEST}", Endpoint.BLOB_READ, Target(RepositoryName("a"), digest=DIGEST), id="blob"
        ),
        pytest.param(
            "GET",
            f"/v2/a/referrers/{DIGEST}",
            Endpoint.REFERRERS,
            Target(RepositoryName("a"), digest=DIGEST),
            id="referrers",
        ),
    ],
)
def test_match(method: str, path: str, endpoint: Endpoint, target: Target) -> None:
    match = found(method, path)
    assert match.row.endpoint is endpoint
    assert match.target == target


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/",
        "/v2/_catalog/",
        "/v2/x",
        "/v2/tags/list",
        "/v2/manifests/v1",
        "/v2/a/tags/list/",
        "/v2/a/tags/listing",
        "/v2/a/manifests/",
        "/v2/a/blobs/",
        "/v2/a/referrers/",
        "/v2/a/blobs/uploads/x/y",
        "/token/",
        "/tokens",
        "/metrics/x",
        "/.well-known/",
        "/admin/v1/projects",
        "/v2/_catalog\n",
    ],
)
def test_what_is_not_in_the_table_does_not_exist(path: str) -> None:
    assert ROUTER.match("GET", path) == NoSuchAddress()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        pytest.param("POST", "/v2/a/manifests/v1", ("GET", "HEAD", "PUT", "DELETE"), id="manifest"),
        pytest.param("PUT", f"/v2/a/blobs/{DIGEST}", ("GET", "HEAD", "DELETE"), id="blob"),
        pytest.param("GET", "/v2/a/blobs/uploads/", ("POST",), id="upload-start"),
        pytest.param("POST", "/v2/a/blobs/uploads/x", ("GET", "HEAD", "PATCH", "PUT", "DELETE"), id="upload"),
        pytest.param("DELETE", "/v2/a/tags/list", ("GET", "HEAD"), id="tags"),
        pytest.param("HEAD", "/token", ("GET", "POST"), id="token"),
        pytest.param("OPTIONS", "/v2/", ("GET", "HEAD"), id="unknown-method"),
        pytest.param("POST", "/v2/not/A/NAME/manifests/v1", ("GET", "HEAD", "PUT", "DELETE"), id="before-the-name"),
    ],
)
def test_another_method(method: str, path: str, allowed: tuple[str, ...]) -> None:
    assert ROUTER.match(method, path) == OtherMethod(allowed)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        pytest.param("/v2/Team/app/manifests/v1", NameInvalid, id="upper-case-name"),
        pytest.param(f"/v2/{'a' * 256}/tags/list", NameInvalid, id="name-of-256"),
        pytest.param("/v2/a@b/tags/list", NameInvalid, id="at-in-a-name"),
        pytest.param("/v2/a/manifests/.x", TagInvalid, id="tag-with-a-dot-first"),
        pytest.param(f"/v2/a/manifests/{'t' * 129}", TagInvalid, id="tag-of-129"),
        pytest.param("/v2/a/manifests/sha256:baddigeststring", DigestInvalid, id="bad-digest"),
        pytest.param(f"/v2/a/manifests/{str(DIGEST).upper()}", DigestInvalid, id="upper-case-algorithm"),
        pytest.param(f"/v2/a/blobs/sha256:{DIGEST.hex.upper()}", DigestInvalid, id="upper-case-hex"),
        pytest.param("/v2/a/blobs/uploads", DigestInvalid, id="uploads-without-slash"),
        pytest.param("/v2/a/referrers/v1", DigestInvalid, id="referrers-of-a-tag"),
    ],
)
def test_names_that_cannot_be(path: str, error: type[GatewayError]) -> None:
    with pytest.raises(error):
        ROUTER.match("GET", path)


def test_names_at_the_limit() -> None:
    match = found("GET", f"/v2/{'a' * 255}/manifests/{'t' * 128}")
    assert match.target == Target(RepositoryName("a" * 255), reference=Tag("t" * 128))


def test_select_reads_only_what_the_row_names() -> None:
    row = found("PUT", "/v2/a/manifests/v1").row
    query = select(row, (("tag", "a"), ("ns", "docker.io"), ("tag", "b"), ("digest", "x")))
    assert query == {"tag": ("a", "b")}
    assert only(query, "digest") is None


def test_select_refuses_two_readings() -> None:
    row = found("PUT", "/v2/a/blobs/uploads/s").row
    assert only(select(row, (("digest", "x"),)), "digest") == "x"
    with pytest.raises(RequestInvalid) as caught:
        select(row, (("digest", "x"), ("digest", "x")))
    assert caught.value.message == "the parameter digest is given twice"


def test_two_rows_for_one_address_are_a_defect() -> None:
    row = Row(("GET",), "/x", Endpoint.LIVE, Nothing())
    with pytest.raises(ValueError, match="two rows"):
        Router((row, row))


# -- the table itself


def test_no_row_is_for_reading_and_writing() -> None:
    for row in TABLE:
        assert set(row.methods) in ({"GET", "HEAD"}, {"GET"}, {"POST"}, {"PUT"}, {"PATCH"}, {"DELETE"}), row


def test_every_repository_row_names_its_actions() -> None:
    for row in TABLE:
        assert isinstance(row.needs, Actions) == ("<name>" in row.path), row
        if isinstance(row.needs, Actions):
            assert row.needs.actions


WRITES = {Endpoint.TOKEN_POST, Endpoint.FEDERATION_TOKEN, Endpoint.FEDERATION_REVOKE}
"""Writes that need nothing: a form in which the secret itself comes."""


def test_nothing_is_changed_without_a_right() -> None:
    for row in TABLE:
        if not isinstance(row.needs, Actions):
            assert set(row.methods) <= {"GET", "HEAD"} or row.endpoint in WRITES, row


def test_everything_under_v2_needs_a_token() -> None:
    for row in TABLE:
        if row.path.startswith("/v2"):
            assert isinstance(row.needs, Actions | AnyToken | CatalogToken), row


def test_every_endpoint_has_a_row_and_every_row_a_handler_of_its_kind() -> None:
    assert {row.endpoint for row in TABLE} == set(Endpoint)
    handlers: Handlers = house().api._handlers
    for row in TABLE:
        groups = {
            "open": row.endpoint in handlers.open,
            "of_principal": row.endpoint in handlers.of_principal,
            "of_repository": row.endpoint in handlers.of_repository,
        }
        expected = {Actions: "of_repository", CatalogToken: "of_principal"}.get(type(row.needs), "open")
        assert [name for name, there in groups.items() if there] == [expected], row


def test_endpoint_names_are_fit_for_labels() -> None:
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)?", endpoint.value) for endpoint in Endpoint)


def test_repeatable_parameters_exist() -> None:
    named = frozenset().union(*(row.query for row in TABLE))
    assert named >= REPEATABLE


_WORDS = st.sampled_from(["a", "blobs", "uploads", "manifests", "tags", "list", "referrers", "v2", "_catalog", ""])
_SEGMENT = st.one_of(_WORDS, st.text("abAB0._-:@~", max_size=6), st.just(str(DIGEST)))


@PROPERTY
@given(st.lists(_SEGMENT, max_size=8), st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"]))
def test_any_path_is_matched_or_refused(segments: list[str], method: str) -> None:
    try:
        match = ROUTER.match(method, "/v2/" + "/".join(segments))
    except (NameInvalid, TagInvalid, DigestInvalid):
        return
    if isinstance(match, Found) and match.target.name is not None:
        rebuilt = match.row.path.replace("<name>", match.target.name.text)
        for name, value in (
            ("<reference>", match.target.reference),
            ("<digest>", match.target.digest),
            ("<session>", match.target.session),
        ):
            rebuilt = rebuilt.replace(name, str(value))
        assert rebuilt == "/v2/" + "/".join(segments)
