"""Deletes and revocations, and what they may not take with them."""

import dataclasses
from pathlib import Path

import pytest

from gateway.access.values import Grant, InstanceRole, Role
from gateway.admission.gate import Gate
from gateway.catalog.values import ManifestView, TagView
from gateway.errors import Denied, ManifestUnknown, NameUnknown, TagUnknown, Unavailable
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag
from tests.support.admission import HOST, KEY, OPERATOR, REPOSITORY, House
from tests.support.admission_stories import administrator, condition, over, pending, play
from tests.support.evidence import signed_bundle, signed_classic
from tests.support.images import image, index
from tests.support.scripted_engine import ScriptedEngine


async def maintainer(home: House) -> Grant:
    if "bob" not in home.people:
        await home.person("bob", Role.MAINTAINER)
    return await home.grant("bob")


def test_a_deleted_tag_loses_its_pointer_and_what_waits_whoever_pushed_it(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bob = await maintainer(home)
        old, new = image("old"), image("new")
        await home.attach("alice", signed_bundle(KEY, subject=old.digest))
        await home.push("alice", old, "v1")
        await home.push("alice", new, "v1")
        assert await home.target("v1") == old.digest
        assert await pending(home, "v1") == new.digest
        await home.gate.delete_tag(bob, Tag("v1"))
        assert await home.tag("v1") is None
        with pytest.raises(TagUnknown):
            await home.gate.delete_tag(bob, Tag("v1"))
        await home.attach("alice", signed_bundle(KEY, subject=new.digest))
        assert await home.visible(new.digest)
        assert await home.tag("v1") is None, "the delete was the later request"

    play(tmp_path, story)


def test_a_tag_that_only_waits_can_be_deleted(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.push("alice", image("one"), "v1")
        await home.gate.delete_tag(await maintainer(home), Tag("v1"))
        assert await home.tag("v1") is None

    play(tmp_path, story)


def test_a_deleted_manifest_takes_its_tags_and_leaves_the_index_that_names_it(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bob = await maintainer(home)
        many = index(image("amd64"), image("arm64", architecture="arm64"))
        await home.attach("alice", signed_bundle(KEY, subject=many.digest))
        await home.push("alice", many, "v1")
        child = many.children[0]
        await home.put("alice", child, "one")
        await home.gate.delete_manifest(bob, Digest.parse(child.digest))
        assert await home.view(child.digest) is None
        assert await home.tag("one") is None
        assert await home.target("v1") == many.digest
        with pytest.raises(ManifestUnknown):
            await home.gate.delete_manifest(bob, Digest.parse(child.digest))

    play(tmp_path, story)


def test_deleting_needs_the_right_to(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        alice = await home.grant("alice")
        with pytest.raises(Denied) as caught:
            await home.gate.delete_tag(alice, Tag("v1"))
        assert [reason.code for reason in caught.value.reasons] == ["RIGHT_MISSING"]
        with pytest.raises(Denied) as caught:
            await home.gate.delete_manifest(alice, Digest.parse(app.digest))
        assert [reason.code for reason in caught.value.reasons] == ["RIGHT_MISSING"]

    play(tmp_path, story)


def test_evidence_an_admission_relies_on_is_pinned_and_only_an_administrator_deletes_it(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bob, app = await maintainer(home), image("one")
        await home.push("alice", app, "v1")
        signature = signed_classic(KEY, subject=app.digest, reference=f"{HOST}/team/app")
        await home.attach("alice", signature)
        with pytest.raises(Denied) as caught:
            await home.gate.delete_manifest(bob, Digest.parse(signature.digest))
        assert [reason.code for reason in caught.value.reasons] == ["EVIDENCE_PINNED"]
        with pytest.raises(Denied) as caught:
            await home.gate.delete_tag(bob, Tag(str(signature.tag)))
        assert [reason.code for reason in caught.value.reasons] == ["EVIDENCE_PINNED"]
        await home.gate.delete_manifest(await administrator(home), Digest.parse(signature.digest))
        assert await condition(home, app) == "distrusted"

    play(tmp_path, story)


def test_evidence_is_pinned_also_while_what_rests_on_it_is_hidden(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bob, app = await maintainer(home), image("one")
        await home.push("alice", app, "v1")
        signature = signed_classic(KEY, subject=app.digest, reference=f"{HOST}/team/app")
        await home.attach("alice", signature)
        await home.database.write(
            lambda connection: (
                connection.execute("INSERT INTO distrust SELECT id, 0, 'os:root', 0 FROM signer").rowcount
            )
        )
        assert await condition(home, app) == "distrusted"
        assert not await home.visible(signature.digest)
        with pytest.raises(Denied) as caught:
            await home.gate.delete_manifest(bob, Digest.parse(signature.digest))
        assert [reason.code for reason in caught.value.reasons] == ["EVIDENCE_PINNED"]
        with pytest.raises(Denied) as caught:
            await home.gate.delete_tag(bob, Tag(str(signature.tag)))
        assert [reason.code for reason in caught.value.reasons] == ["EVIDENCE_PINNED"]

    play(tmp_path, story)


def test_evidence_that_nothing_rests_on_can_be_deleted(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        signature = signed_bundle(KEY)
        await home.attach("alice", signature)
        await home.gate.delete_manifest(await maintainer(home), Digest.parse(signature.digest))
        assert await home.view(signature.digest) is None

    play(tmp_path, story)


class Meanwhile:
    """`ManifestReads` in which something happens after the first answer."""

    def __init__(self, home: House, happens: object) -> None:
        self._home, self._happens = home, happens

    async def _after(self) -> None:
        happens, self._happens = self._happens, None
        if callable(happens):
            await happens()

    async def by_tag(self, repository: RepositoryName, tag: Tag, *, now: int, with_body: bool) -> TagView | None:
        found = await self._home.manifests.by_tag(repository, tag, now=now, with_body=with_body)
        await self._after()
        return found

    async def by_digest(
        self, repository: RepositoryName, digest: Digest, *, now: int, with_body: bool
    ) -> ManifestView | None:
        found = await self._home.manifests.by_digest(repository, digest, now=now, with_body=with_body)
        await self._after()
        return found


def meanwhile(home: House, happens: object) -> Gate:
    """Return a gate that reads the catalog just before something happens to it."""
    return Gate(dataclasses.replace(home.gate.tools, manifests=Meanwhile(home, happens)))  # type: ignore[arg-type]


def test_evidence_is_pinned_by_an_image_that_comes_while_it_is_deleted(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bob, app = await maintainer(home), image("one")
        signature = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", signature)
        gate = meanwhile(home, lambda: home.push("alice", app, "v1"))
        with pytest.raises(Denied) as caught:
            await gate.delete_manifest(bob, Digest.parse(signature.digest))
        assert [reason.code for reason in caught.value.reasons] == ["EVIDENCE_PINNED"]
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_a_tag_that_moved_to_pinned_evidence_meanwhile_is_looked_at_again(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bob, app = await maintainer(home), image("one")
        await home.push("alice", app, "v1")
        weak = signed_classic(subject=app.digest, reference=f"{HOST}/team/app")
        good = signed_classic(KEY, subject=app.digest, reference=f"{HOST}/team/app")
        await home.attach("alice", weak)
        gate = meanwhile(home, lambda: home.attach("alice", good))
        with pytest.raises(Denied) as caught:
            await gate.delete_tag(bob, Tag(str(good.tag)))
        assert [reason.code for reason in caught.value.reasons] == ["EVIDENCE_PINNED"]

    play(tmp_path, story)


def test_what_is_deleted_twice_at_once_is_unknown_to_the_second(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bob, app = await maintainer(home), image("one")
        await home.push("alice", app, "v1")
        gate = meanwhile(home, lambda: home.gate.delete_manifest(bob, Digest.parse(app.digest)))
        with pytest.raises(ManifestUnknown):
            await gate.delete_manifest(bob, Digest.parse(app.digest))
        await home.push("alice", app, "v1")
        gate = meanwhile(home, lambda: home.gate.delete_tag(bob, Tag("v1")))
        with pytest.raises(TagUnknown):
            await gate.delete_tag(bob, Tag("v1"))

    play(tmp_path, story)


def test_a_delete_that_loses_every_race_is_unavailable(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bob, app = await maintainer(home), image("one")
        await home.push("alice", app, "v1")

        gate = over(home, loses=True)
        digest = Digest.parse(app.digest)
        with pytest.raises(Unavailable):
            await gate.delete_tag(bob, Tag("v1"))
        with pytest.raises(Unavailable):
            await gate.delete_manifest(bob, digest)
        with pytest.raises(Unavailable):
            await gate.revoke(REPOSITORY, digest, principal=OPERATOR, reason="bad")

    play(tmp_path, story)


def test_a_tombstone_survives_delete_re_push_and_another_repository(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bob, app = await maintainer(home), image("one")
        other = RepositoryName.parse("team/other")
        await home.push("alice", app, "v1", repository=other)
        await home.push("alice", app, "v1")
        digest = Digest.parse(app.digest)
        await home.gate.revoke(REPOSITORY, digest, principal=OPERATOR, reason="bad")
        await home.gate.delete_manifest(bob, digest)
        assert (await home.push("alice", app, "v1")).reasons[0].code == "REVOKED"  # type: ignore[union-attr]
        assert await condition_in(home, app.digest, other) == "revoked"
        await home.attach("alice", signed_bundle(KEY, subject=app.digest), repository=other)
        assert not await home.visible(app.digest, other)

    play(tmp_path, story)


async def condition_in(home: House, digest: str, repository: RepositoryName) -> str:
    view = await home.view(digest, repository)
    assert view is not None
    return view.condition.value


def test_bytes_can_be_revoked_before_they_come(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.gate.revoke(REPOSITORY, Digest.parse(app.digest), principal=OPERATOR, reason="known bad")
        assert (await home.push("alice", app, "v1")).reasons[0].code == "REVOKED"  # type: ignore[union-attr]

    play(tmp_path, story)


@pytest.mark.parametrize("role", [*Role, *InstanceRole], ids=lambda role: role.value)
def test_only_a_security_officer_or_an_administrator_revokes(tmp_path: Path, role: Role | InstanceRole) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        roles, wide = ((role,), ()) if isinstance(role, Role) else ((), (role,))
        bob, app = await home.person("bob", *roles, instance=wide), image("one")
        digest = Digest.parse(app.digest)
        await home.push("alice", app, "v1")
        if role in (InstanceRole.SECURITY_OFFICER, InstanceRole.ADMINISTRATOR):
            await home.gate.revoke(REPOSITORY, digest, principal=bob, reason="bad")
            assert await condition(home, app) == "revoked"
            return
        with pytest.raises(Denied) as caught:
            await home.gate.revoke(REPOSITORY, digest, principal=bob, reason="bad")
        assert [reason.code for reason in caught.value.reasons] == ["RIGHT_MISSING"]
        assert await condition(home, app) == "held"
        assert "manifest.revoked" not in await home.events()

    play(tmp_path, story)


def test_the_operator_of_the_machine_revokes_and_is_named(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        digest = Digest.parse(image("one").digest)
        await home.gate.revoke(REPOSITORY, digest, principal=OPERATOR, reason="bad")
        (event,) = [row for row in await home.audit.events(after=0, limit=100) if row.kind == "manifest.revoked"]
        assert event.principal_id == OPERATOR.id

    play(tmp_path, story)


def test_an_officer_who_was_disabled_revokes_nothing(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        officer = await home.person("officer", instance=(InstanceRole.SECURITY_OFFICER,))
        await home.principals.set_disabled(officer.name, disabled=True, by=OPERATOR, now=home.now)
        with pytest.raises(Denied):
            await home.gate.revoke(REPOSITORY, Digest.parse(image("one").digest), principal=officer, reason="bad")

    play(tmp_path, story)


def test_who_is_not_active_revokes_nothing(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        digest, stranger = Digest.parse(image("one").digest), Principal("u:nobody", PrincipalKind.USER, "nobody")
        with pytest.raises(Denied) as caught:
            await home.gate.revoke(REPOSITORY, digest, principal=stranger, reason="bad")
        assert [reason.code for reason in caught.value.reasons] == ["RIGHT_MISSING"]
        with pytest.raises(NameUnknown):
            await home.gate.revoke(RepositoryName.parse("nobody/app"), digest, principal=OPERATOR, reason="bad")

    play(tmp_path, story)


def test_deleting_in_a_repository_that_is_not_there(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bob = dataclasses.replace(await maintainer(home), repository=RepositoryName.parse("nobody/app"))
        with pytest.raises(TagUnknown):
            await home.gate.delete_tag(bob, Tag("v1"))
        with pytest.raises(ManifestUnknown):
            await home.gate.delete_manifest(bob, Digest.parse(image("one").digest))

    play(tmp_path, story)


def test_deleting_in_a_project_that_goes_meanwhile(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bob, app = await maintainer(home), image("one")
        await home.push("alice", app, "v1")
        gate = over(home, gone=True)
        with pytest.raises(TagUnknown):
            await gate.delete_tag(bob, Tag("v1"))
        with pytest.raises(Unavailable):
            await gate.delete_manifest(bob, Digest.parse(app.digest))

    play(tmp_path, story)
