"""Tokens that were good once, and evidence that never was, through the whole gateway: rows 18, 19, 28, 56, 58 to 65, 99."""

from collections.abc import Iterator

import pytest

from gateway.access.values import Role
from gateway.oci.names import ProjectName
from tests.support.evidence import (
    Evidence,
    attested_bundle,
    bundle_referrer,
    classic_manifest,
    sign_statement,
    signed_bundle,
    signed_classic,
    signer,
    simple_signing,
)
from tests.support.images import OCI_MANIFEST, digest_of, image
from tests.support.whole import ALL, HOST, KEY, OPERATOR, Whole, furnished, run, whole

STRANGER = signer("ecdsa-p256", 7)
STORED = ("manifest", "tag", "decision", "referrer")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole(tmp_path_factory.mktemp("pushes") / "state") as made:
        furnished(made)
        made.person("reader", ("team", Role.READER))
        made.person("former", ("team", Role.WRITER))
        yield made
        assert made.failures == []


def junk(subject: str) -> dict[str, Evidence]:
    """Return evidence that proves nothing about ``subject``, by what is wrong with it."""
    other = "sha256:" + "0" * 64
    good, payload = signed_bundle(KEY, subject=subject), simple_signing(subject)
    (document,) = [content for content in good.blobs.values() if content != b"{}"]
    truncated = signed_classic(KEY, subject=subject, payload=payload[:-20])
    return {
        "key-that-nobody-trusts": signed_bundle(STRANGER, subject=subject),
        "classic-key-that-nobody-trusts": signed_classic(STRANGER, subject=subject),
        "statement-about-another": signed_bundle(KEY, subject=subject, payload=sign_statement(other)),
        "payload-about-another": signed_classic(KEY, subject=subject, payload=simple_signing(other)),
        "payload-of-another-repository": signed_classic(KEY, subject=subject, reference=f"{HOST}/team/other"),
        "payload-of-another-host": signed_classic(KEY, subject=subject, reference="evil.example/team/app"),
        "truncated-payload": truncated,
        "empty-bundle": bundle_referrer(b"{}", subject=subject),
        "truncated-bundle": bundle_referrer(document[: len(document) // 2], subject=subject),
        "no-signature-at-all": classic_manifest([(payload, {})], tag=f"{subject.replace(':', '-')}.sig"),
        "attestation-where-a-signature-is-wanted": attested_bundle(STRANGER, subject=subject),
    }


@pytest.mark.parametrize("name", sorted(junk(image("x").digest)))
def test_row_058_059_061_and_065_evidence_that_proves_nothing_admits_nothing(built: Whole, name: str) -> None:
    artifact = image(name)
    assert built.push("pusher", artifact, name).one("registry-gateway-state") == "held"
    reply = built.attach("pusher", junk(artifact.digest)[name])
    assert reply.status in (201, 400, 403), reply.body
    for reference in (artifact.digest, name):
        assert built.send("GET", f"/v2/team/app/manifests/{reference}", who="reader").status == 404
    # And it stands in nobody's way.
    assert built.attach("pusher", signed_bundle(KEY, subject=artifact.digest)).status == 201
    assert built.send("GET", f"/v2/team/app/manifests/{name}", who="reader").body == artifact.manifest.content


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="row-99-depth"),
        pytest.param(b"[" * 100_000, id="row-99-brackets"),
        pytest.param(b"\xef\xbb\xbf" + image("b").manifest.content, id="bom"),
        pytest.param(image("b").manifest.content.replace(b'"schemaVersion":2', b'"schemaVersion":NaN'), id="nan"),
        pytest.param(
            image("b").manifest.content.replace(b'"schemaVersion":2', b'"schemaVersion":2,"schemaVersion":2'),
            id="twice",
        ),
        pytest.param(image("b").manifest.content[:-1] + b',"manifests":[]}', id="row-52-two-readings"),
        pytest.param(image("b").manifest.content.replace(b"sha256:", b"SHA256:"), id="upper-case-algorithm"),
        pytest.param(image("b").manifest.content.replace(b"sha256:", b"sha256:../"), id="row-55-path-in-a-digest"),
        pytest.param(image("b").manifest.content[:-1], id="truncated"),
        pytest.param(b"", id="empty"),
        pytest.param(b"null", id="null"),
        pytest.param(b"\x00" * 1000, id="nul"),
        pytest.param(b"\xff\xfe" + "{}".encode("utf-16-le"), id="utf-16"),
    ],
)
def test_row_052_055_and_099_a_body_with_no_reading_or_two_is_refused(built: Whole, body: bytes) -> None:
    before = built.count(*STORED, "event")
    for reference in ("broken", image("b").digest):
        reply = built.send(
            "PUT",
            f"/v2/team/app/manifests/{reference}",
            who="pusher",
            body=body,
            headers=[("content-type", OCI_MANIFEST)],
        )
        assert reply.status == 400, reply.body
        assert reply.code in ("MANIFEST_INVALID", "DIGEST_INVALID")
    assert built.count(*STORED, "event") == before


def test_row_018_a_role_that_was_taken_is_gone_with_the_next_request(built: Whole) -> None:
    token = built.token("former", f"repository:team/app:{ALL}")
    path = "/v2/team/app/blobs/uploads/"
    assert built.client.send("POST", path, token=token, host=HOST).status == 202
    run(
        built.parts.members.remove_member(
            ProjectName.parse("team"), built.ids["former"], Role.WRITER, by=OPERATOR, now=built.now
        )
    )
    assert built.client.send("POST", path, token=token, host=HOST).status == 404
    assert built.client.send("GET", "/v2/team/app/tags/list", token=token, host=HOST).status == 401


@pytest.mark.parametrize("what", ["pull", "push", "mount"])
def test_row_019_a_token_for_a_project_that_was_deleted_and_made_again(built: Whole, what: str) -> None:
    """Same name, same member, another project: what was issued before it gives nothing in it, as source of a mount too."""
    name = f"again-{what}"
    project = built.project(name)
    run(built.parts.members.add_member(project, built.ids["pusher"], Role.WRITER, by=OPERATOR, now=built.now))
    artifact = image(name)
    assert built.push("pusher", artifact, "v1", repository=f"{name}/app").status == 201
    scopes = (f"repository:{name}/app:{ALL}", f"repository:team/app:{ALL}")
    token = built.token("pusher", *scopes)
    layer = artifact.blobs[1].digest
    requests = {
        "pull": ("GET", f"/v2/{name}/app/manifests/v1", 200, (401,)),
        "push": ("POST", f"/v2/{name}/app/blobs/uploads/", 202, (401,)),
        "mount": ("POST", f"/v2/team/{name}/blobs/uploads/?mount={layer}&from={name}/app", 201, (202, 401)),
    }
    method, path, good, refused = requests[what]
    mounting = built.token("pusher", *scopes, f"repository:team/{name}:push")
    sent = mounting if what == "mount" else token
    assert built.client.send(method, path, token=sent, host=HOST).status == good
    run(built.parts.projects.delete_project(project, by=OPERATOR, now=built.now))
    built.clock[0] += 61
    # `project` makes it a minute old: a second after the token was issued.
    built.project(name)
    run(built.parts.members.add_member(project, built.ids["pusher"], Role.WRITER, by=OPERATOR, now=built.now))
    assert built.client.send("GET", f"/v2/{name}/app/tags/list", token=sent, host=HOST).status == 401
    if what == "mount":
        # The new project has the very same bytes: a mount of them would be a read with the old token.
        assert built.push("pusher", artifact, "v1", repository=f"{name}/app").status == 201
        path = path.replace(f"/v2/team/{name}/", f"/v2/team/{name}-2/")
        sent = built.token("pusher", *scopes, f"repository:team/{name}-2:push", issued=built.now - 61)
    assert built.client.send(method, path, token=sent, host=HOST).status in refused
    fresh = built.token("pusher", *scopes)
    assert built.client.send("GET", f"/v2/{name}/app/tags/list", token=fresh, host=HOST).status in (200, 404)


def test_row_056_a_blob_that_was_deleted_does_not_come_back_through_another_repository(built: Whole) -> None:
    """Deleted here and touched there, it is still not here: what a repository has is its own, in no shared cache."""
    built.person("keeper", ("team", Role.MAINTAINER))
    content = b"deleted in one repository and touched in the other"
    digest = digest_of(content)
    here, there = (f"/v2/team/{name}/blobs/{digest}" for name in ("here", "there"))
    for repository in ("team/here", "team/there"):
        assert built.upload("keeper", content, digest, repository=repository).status == 201
    assert built.send("GET", here, who="keeper").body == content
    assert built.send("DELETE", here, who="keeper").status == 202
    for method in ("GET", "HEAD"):
        assert built.send(method, there, who="keeper").status == 200
        assert built.send(method, here, who="keeper").status == 404
    assert built.upload("keeper", content, digest, repository="team/there").status == 201
    assert built.send("GET", here, who="keeper").status == 404


def test_row_028_and_033_no_method_but_those_of_the_table_does_anything(built: Whole) -> None:
    before = built.count(*STORED, "repo_blob", "upload")
    for method in ("POST", "PATCH", "OPTIONS", "TRACE", "CONNECT", "LINK", "PROPFIND", "M-SEARCH"):
        reply = built.send(method, f"/v2/team/app/manifests/{image('b').digest}", who="pusher", scope="team/app")
        assert reply.status in (400, 405)
    assert built.count(*STORED, "repo_blob", "upload") == before
