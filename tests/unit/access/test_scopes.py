"""The grammar of scopes, and asked-and-held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.scopes import (
    CATALOG,
    MAX_SCOPE_CHARS,
    MAX_SCOPES,
    format_scope,
    held_actions,
    parse_scopes,
    repositories,
    token_scope,
)
from gateway.access.values import QuarantineLevel, Rights, Verb
from gateway.errors import RequestInvalid
from gateway.identity.values import ResourceAccess
from gateway.oci.names import RepositoryName
from tests.support.identity import PROPERTY

NONE, SIGNING, FULL = QuarantineLevel


def repository(name: str, *actions: str) -> ResourceAccess:
    return ResourceAccess(type="repository", name=name, actions=frozenset(actions))


def held(*verbs: Verb, quarantine: QuarantineLevel = NONE) -> Rights:
    return Rights(verbs=frozenset(verbs), quarantine=quarantine)


@pytest.mark.parametrize(
    ("texts", "parsed"),
    [
        pytest.param([], [], id="none"),
        pytest.param([""], [], id="empty"),
        pytest.param(["repository:a/b:pull"], [repository("a/b", "pull")], id="pull"),
        pytest.param(["repository:a/b:push,pull"], [repository("a/b", "pull", "push")], id="docker-order"),
        pytest.param(
            ["repository:dst:push,pull", "repository:src:pull"],
            [repository("dst", "pull", "push"), repository("src", "pull")],
            id="mount-repeated",
        ),
        pytest.param(
            ["repository:a:pull repository:a:pull,push repository:src:pull"],
            [repository("a", "pull", "push"), repository("src", "pull")],
            id="containerd-unmerged-union",
        ),
        pytest.param(["repository:x:*"], [repository("x", "pull", "push", "delete")], id="star"),
        pytest.param(["repository(plugin):x:pull"], [repository("x", "pull")], id="class"),
        pytest.param(["repository(plugin:x:pull"], [], id="class-unclosed"),
        pytest.param(["repository:host:5000/x:pull"], [repository("host:5000/x", "pull")], id="host-and-port"),
        pytest.param(
            ["repository:My-Host.example:5000/x:pull"], [repository("My-Host.example:5000/x", "pull")], id="host"
        ),
        pytest.param(["repository:a:b:pull"], [], id="colon-that-is-no-port"),
        pytest.param(["registry:catalog:*"], [CATALOG], id="catalog"),
        pytest.param(["registry:catalog:pull"], [], id="catalog-other-action"),
        pytest.param(["registry:other:*"], [], id="registry-other-name"),
        pytest.param(["registry(x):catalog:*"], [], id="registry-class"),
        pytest.param(["repository:a:pull,fly"], [repository("a", "pull")], id="unknown-action-dropped"),
        pytest.param(["repository:a:fly"], [], id="only-unknown-action"),
        pytest.param(["repository:a:"], [], id="no-action"),
        pytest.param(["repository:a"], [], id="two-parts"),
        pytest.param(["repository"], [], id="one-part"),
        pytest.param(["repository::pull"], [], id="no-name"),
        pytest.param([":a:pull"], [], id="no-type"),
        pytest.param(["artifact:a:pull"], [], id="unknown-type"),
        pytest.param(["repository:A:pull"], [], id="upper-case-name"),
        pytest.param(["repository:a/../b:pull"], [], id="dots"),
        pytest.param(["repository:a:PULL"], [], id="upper-case-action"),
        pytest.param(["repository:a:pull\n"], [], id="newline"),
        pytest.param(["repository:a\trepository:b:pull"], [], id="tab-is-no-separator"),
        pytest.param(["  repository:a:pull  "], [repository("a", "pull")], id="spaces"),
    ],
)
def test_parse(texts: list[str], parsed: list[ResourceAccess]) -> None:
    assert list(parse_scopes(texts)) == parsed


def test_limits() -> None:
    assert len(parse_scopes([f"repository:a{number}:pull" for number in range(MAX_SCOPES)])) == MAX_SCOPES
    with pytest.raises(RequestInvalid):
        parse_scopes(["repository:a:pull"] * (MAX_SCOPES + 1))
    with pytest.raises(RequestInvalid):
        parse_scopes(["x " * (MAX_SCOPES + 1)])
    assert parse_scopes(["x" * MAX_SCOPE_CHARS]) == ()
    with pytest.raises(RequestInvalid):
        parse_scopes(["x" * (MAX_SCOPE_CHARS + 1)])


@PROPERTY
@given(st.lists(st.text(max_size=600), max_size=70))
def test_any_text_is_scopes_or_refused(texts: list[str]) -> None:
    try:
        parsed = parse_scopes(texts)
    except RequestInvalid:
        return
    assert len({(entry.type, entry.name) for entry in parsed}) == len(parsed) <= MAX_SCOPES


_COMPONENT = st.from_regex(r"[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,4})?", fullmatch=True)
_HOST = st.sampled_from(["", "host:5000/", "127.0.0.1:443/", "Reg.example:1/"])
_ACTIONS = st.sets(st.sampled_from(["pull", "push", "delete"]), min_size=1)


@PROPERTY
@given(_HOST, st.lists(_COMPONENT, min_size=1, max_size=4), _ACTIONS)
def test_format_and_parse_agree(host: str, components: list[str], actions: set[str]) -> None:
    entry = repository(host + "/".join(components), *actions)
    assert parse_scopes([format_scope(entry)]) == (entry,)


def test_format() -> None:
    assert format_scope(repository("a", "push", "delete", "pull")) == "repository:a:pull,push,delete"
    assert format_scope(CATALOG) == "registry:catalog:*"


@pytest.mark.parametrize(
    ("rights", "actions"),
    [
        pytest.param(held(), set(), id="nothing"),
        pytest.param(held(Verb.PULL), {"pull"}, id="reader"),
        pytest.param(held(quarantine=SIGNING), {"pull"}, id="quarantine-read-is-pull"),
        pytest.param(held(Verb.PULL, Verb.SIGN, quarantine=FULL), {"pull", "push"}, id="scanner-pushes-signatures"),
        pytest.param(held(Verb.PUSH), {"push"}, id="push"),
        pytest.param(held(Verb.OVERWRITE), set(), id="overwrite-has-no-scope"),
        pytest.param(held(Verb.DELETE), {"delete"}, id="delete"),
        pytest.param(held(*Verb, quarantine=FULL), {"pull", "push", "delete"}, id="all"),
    ],
)
def test_held_actions(rights: Rights, actions: set[str]) -> None:
    assert held_actions(rights) == actions


def test_token_scope_is_asked_and_held() -> None:
    asked = parse_scopes(["repository:a:*", "repository:b:pull", "repository:c:push", "repository:h:5000/a:pull"])
    rights = {
        RepositoryName.parse("a"): held(Verb.PULL, Verb.PUSH, Verb.OVERWRITE),
        RepositoryName.parse("b"): held(*Verb),
        RepositoryName.parse("c"): held(Verb.PULL),
        RepositoryName.parse("d"): held(*Verb),
    }
    # Not `d`, which nobody asked for; not `push` of `b`, held and not asked for; not `c`, asked for and not held.
    assert token_scope(asked, rights, catalog=False) == (repository("a", "pull", "push"), repository("b", "pull"))


def test_token_scope_of_the_catalog() -> None:
    asked = parse_scopes(["registry:catalog:*", "repository:a:pull"])
    assert token_scope(asked, {}, catalog=True) == (CATALOG,)
    assert token_scope(asked, {}, catalog=False) == ()
    assert token_scope([], {}, catalog=True) == ()
    other = ResourceAccess(type="registry", name="other", actions=frozenset({"*"}))
    assert token_scope([other], {}, catalog=True) == ()


def test_repositories_are_those_that_can_exist() -> None:
    long_name = "a/" * 128 + "b"
    asked = parse_scopes(
        ["repository:a:pull", f"repository:{long_name}:pull", "registry:catalog:*", "repository:h:1/a:pull"]
    )
    assert [str(name) for name in repositories(asked)] == ["a"]
