"""REF: a repository, and a tag or a digest in it."""

from types import NoneType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.references import ImageReference
from gateway.errors import DigestInvalid, NameInvalid, TagInvalid, UsageInvalid
from gateway.oci.digest import Digest
from gateway.oci.names import Tag

HOST = "registry.example.test:5000"
DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "repository", "target"),
    [
        pytest.param("team/app:1", "team/app", Tag.parse("1"), id="tag"),
        pytest.param(f"{HOST}/team/app:1", "team/app", Tag.parse("1"), id="host-tag"),
        pytest.param(f"team/app@{DIGEST}", "team/app", Digest.parse(DIGEST), id="digest"),
        pytest.param(f"{HOST}/team/app@{DIGEST}", "team/app", Digest.parse(DIGEST), id="host-digest"),
        pytest.param(f"team/app:1@{DIGEST}", "team/app", Digest.parse(DIGEST), id="the-digest-of-both"),
    ],
)
def test_parse(text: str, repository: str, target: Tag | Digest) -> None:
    found = ImageReference.parse(text, host=HOST)
    assert found.repository.text == repository
    assert found.target == target


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        pytest.param("team/app", NoneType, id="nothing-named"),
        pytest.param("", NoneType, id="empty"),
        pytest.param("team/app:", TagInvalid, id="empty-tag"),
        pytest.param("team/app@", DigestInvalid, id="empty-digest"),
        pytest.param("team/app@1", DigestInvalid, id="a-tag-as-digest"),
        pytest.param("Team/app:1", NameInvalid, id="upper-case"),
        pytest.param("other.example.test:5000/team/app:1", NameInvalid, id="another-host"),
        pytest.param(f"other.example.test:5000/team/app@{DIGEST}", NameInvalid, id="another-host-by-digest"),
        pytest.param("team/app@" + DIGEST.upper(), DigestInvalid, id="upper-case-digest"),
        pytest.param("../app:1", NameInvalid, id="dots"),
        pytest.param(f"team/app:@{DIGEST}", TagInvalid, id="an-empty-tag-before-the-digest"),
    ],
)
def test_parse_refuses(text: str, cause: type[Exception | None]) -> None:
    with pytest.raises(UsageInvalid) as caught:
        ImageReference.parse(text, host=HOST)
    assert type(caught.value.__cause__) is cause


@given(
    name=st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,3}", fullmatch=True),
    target=st.one_of(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True), st.just(DIGEST)),
    by_host=st.booleans(),
)
def test_what_is_written_is_read_again(name: str, target: str, by_host: bool) -> None:
    written = f"{name}{'@' if target == DIGEST else ':'}{target}"
    found = ImageReference.parse(f"{HOST}/{written}" if by_host else written, host=HOST)
    assert str(found) == written
