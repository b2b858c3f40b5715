"""One document of a trust policy: from what the operator wrote to an `ImagePolicy`, or a refusal that says where.

Three forms: a sigstore ClusterImagePolicy as it is; our own kind, which adds ``project``; or the bare words of `spec`.
A word that policy-controller knows and this gateway does not honour (``keyless``, ``policy``, ``match`` ...) is a refusal
and never skipped: each of them makes a policy stricter (Ratify and others have dropped such words silently).

Pure: no I/O, no third-party import.
Source: sigstore policy-controller v0.15, pkg/apis/policy/v1beta1; DESIGN 6.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, cast

from gateway.errors import NameInvalid
from gateway.evidence.authorities import (
    AttestationRequirement,
    Authority,
    ImagePolicy,
    KeyAuthority,
    SignatureFormat,
    StaticAuthority,
)
from gateway.evidence.documents import Field
from gateway.evidence.globs import Glob
from gateway.evidence.keys import CLASSIC_HASHES, HashName, PublicKey
from gateway.evidence.limits import MAX_PREDICATE_TYPE_CHARS
from gateway.evidence.signed_identity import AnyIdentity, MatchRepository, RemapIdentity, SignedIdentity, is_prefix
from gateway.evidence.values import COSIGN_SIGN, SignerIdentity
from gateway.oci.names import ProjectName

SIGSTORE_VERSIONS: Final = ("policy.sigstore.dev/v1alpha1", "policy.sigstore.dev/v1beta1")
OWN_VERSION: Final = "registry-gateway/v1"

PREDICATE_TYPES: Final[dict[str, str]] = {
    "custom": "https://cosign.sigstore.dev/attestation/v1",
    "cyclonedx": "https://cyclonedx.org/bom",
    "link": "https://in-toto.io/Link/v1",
    "openvex": "https://openvex.dev/ns",
    "slsaprovenance": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance02": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance1": "https://slsa.dev/provenance/v1",
    "spdx": "https://spdx.dev/Document",
    "spdxjson": "https://spdx.dev/Document",
    "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
}
"""cosign's short names, as a policy may write them for `predicateType`."""

_SPEC: Final = frozenset({"images", "authorities", "mode"})
_SPEC_UNSUPPORTED: Final = frozenset({"match", "policy", "onUnsigned"})
_AUTHORITY: Final = frozenset({"name", "key", "static", "attestations", "ctlog", "signatureFormat", "signedIdentity"})
_AUTHORITY_UNSUPPORTED: Final = frozenset(
    {"keyless", "source", "rfc3161timestamp", "trustRoot", "pki", "gpg", "notation", "count", "requireAnnotations"}
)
_KEY: Final = frozenset({"data", "path", "hashAlgorithm"})
_KEY_UNSUPPORTED: Final = frozenset({"secretRef", "kms", "configMapRef"})

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._#-]{0,251}[A-Za-z0-9])?")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


def is_plain_path(text: str) -> bool:
    """Return whether ``text`` is a relative path of plain names: no dot segment, no hidden file, no white space."""
    return len(text) <= 255 and _PLAIN_PATH.fullmatch(text) is not None


def read_policy(document: Field, *, number: int, keys: Mapping[str, PublicKey]) -> ImagePolicy:
    """Return the policy in ``document``, the ``number``-th of its file; ``keys`` are the trust directory's by path.

    Raises `TrustPolicyInvalid`. A bare document without a name is called after its file and place.
    """
    if not document.has("apiVersion") and not document.has("kind"):
        document.known(_SPEC | {"name", "project"}, unsupported=_SPEC_UNSUPPORTED)
        stem = document.file.partition(" ")[0].rpartition(".")[0].replace("/", "-")
        name = _name(document.member("name")) if document.has("name") else (stem if number == 1 else f"{stem}#{number}")
        return _policy(document, name=name, project=_project(document), keys=keys)
    if document.member("apiVersion").one_of(OWN_VERSION, *SIGSTORE_VERSIONS) == OWN_VERSION:
        document.member("kind").one_of("TrustPolicy")
        document.known({"apiVersion", "kind", "metadata", "project", "spec"})
    else:
        document.member("kind").one_of("ClusterImagePolicy")
        document.known({"apiVersion", "kind", "metadata", "spec"})
    metadata = document.member("metadata")
    metadata.known({"name", "labels", "annotations"})
    spec = document.member("spec")
    spec.known(_SPEC, unsupported=_SPEC_UNSUPPORTED)
    return _policy(spec, name=_name(metadata.member("name")), project=_project(document), keys=keys)


def _policy(spec: Field, *, name: str, project: ProjectName | None, keys: Mapping[str, PublicKey]) -> ImagePolicy:
    if spec.has("images") or project is None:
        globs = tuple(_glob(image) for image in spec.member("images").items())
    else:
        globs = (Glob.parse("**"),)  # all of the project
    authorities: dict[str, Authority] = {}
    for number, entry in enumerate(spec.member("authorities").items()):
        authority = _authority(entry, number=number, keys=keys)
        if authority.name in authorities:
            entry.refuse(f"the name {authority.name!r} is taken by another authority")
        authorities[authority.name] = authority
    mode = spec.member("mode").one_of("enforce", "warn") if spec.has("mode") else "enforce"
    return ImagePolicy(name, project, globs, tuple(authorities.values()), enforce=mode == "enforce")


def _glob(image: Field) -> Glob:
    image.known({"glob"})
    glob = image.member("glob")
    try:
        parsed = Glob.parse(glob.text())
        # It would be a requirement that never applies, and nobody would see that.
        parsed.check_possible()
        return parsed
    except ValueError as reason:
        glob.refuse(str(reason))


def _authority(entry: Field, *, number: int, keys: Mapping[str, PublicKey]) -> Authority:
    entry.known(_AUTHORITY, unsupported=_AUTHORITY_UNSUPPORTED)
    name = _name(entry.member("name")) if entry.has("name") else f"authority-{number}"
    if entry.has("key") == entry.has("static"):
        entry.refuse("needs exactly one of key and static")
    if entry.has("static"):
        entry.known({"name", "static"})
        static = entry.member("static")
        static.known({"action"}, unsupported={"message"})
        action = static.member("action").one_of("pass", "fail")
        return StaticAuthority(name, cast(Literal["pass", "fail"], action))
    _check_no_log(entry)
    key, called = _key(entry.member("key"), keys=keys)
    return KeyAuthority(
        name=name,
        signer=SignerIdentity(key.id, name if entry.has("name") or called is None else called),
        key=key,
        hash_name=_hash_name(entry.member("key"), key),
        attestations=_attestations(entry),
        signed_identity=_signed_identity(entry),
        signature_format=_signature_format(entry),
    )


def _check_no_log(entry: Field) -> None:
    """Raise `TrustPolicyInvalid` unless the authority says that it asks for no transparency log.

    It has to be said: a reader of the policy must not believe that a log was consulted where none was.
    """
    if not entry.has("ctlog"):
        entry.refuse("needs `ctlog: none`: transparency logs are not verified yet, and a key without one has to say so")
    if entry.member("ctlog").value != "none":
        entry.member("ctlog").refuse("asks for a transparency log, which is not verified yet: `none` is the only value")


def _key(key: Field, *, keys: Mapping[str, PublicKey]) -> tuple[PublicKey, str | None]:
    """Return the key, and the name of its file where it is in one."""
    key.known(_KEY, unsupported=_KEY_UNSUPPORTED)
    if key.has("data") == key.has("path"):
        key.refuse("needs exactly one of data and path")
    if key.has("data"):
        data = key.member("data")
        return PublicKey.parse(data.text().encode("utf-8"), where=data.where), None
    path = key.member("path")
    text = path.text()
    if not is_plain_path(text):
        path.refuse("is not a plain path inside the trust directory")
    if text not in keys:
        path.refuse(f"there is no key file {text} in the trust directory")
    return keys[text], text


def _hash_name(key: Field, public: PublicKey) -> HashName | None:
    if not key.has("hashAlgorithm"):
        return None
    usable = CLASSIC_HASHES[public.algorithm]
    return HashName(key.member("hashAlgorithm").one_of(*usable))


def _attestations(entry: Field) -> tuple[AttestationRequirement, ...]:
    if not entry.has("attestations"):
        return ()
    found: dict[str, AttestationRequirement] = {}
    for item in entry.member("attestations").items():
        item.known({"name", "predicateType"}, unsupported={"policy"})
        name = _name(item.member("name"))
        if name in found:
            item.refuse(f"the name {name!r} is taken by another attestation")
        found[name] = AttestationRequirement(name, _predicate_type(item.member("predicateType")))
    return tuple(found.values())


def _predicate_type(field: Field) -> str:
    text = field.text()
    if text in PREDICATE_TYPES:
        return PREDICATE_TYPES[text]
    if len(text) > MAX_PREDICATE_TYPE_CHARS or _URI.fullmatch(text) is None:
        field.refuse(f"is neither a URI nor one of {', '.join(PREDICATE_TYPES)}")
    if text == COSIGN_SIGN:
        field.refuse("is a plain signature: leave attestations out")
    return text


def _signed_identity(entry: Field) -> SignedIdentity:
    if not entry.has("signedIdentity"):
        return MatchRepository()
    rule = entry.member("signedIdentity")
    if isinstance(rule.value, str):
        return MatchRepository() if rule.one_of("matchRepository", "any") == "matchRepository" else AnyIdentity()
    rule.known({"type", "prefix", "signedPrefix"})
    match rule.member("type").one_of("matchRepository", "remapIdentity", "any"):
        case "remapIdentity":
            return RemapIdentity(_prefix(rule.member("prefix")), _prefix(rule.member("signedPrefix")))
        case word:
            rule.known({"type"})
            return MatchRepository() if word == "matchRepository" else AnyIdentity()


def _prefix(field: Field) -> str:
    text = field.text()
    if not is_prefix(text):
        field.refuse("is not a host, a repository path, or both, without a slash at the end")
    return text


def _signature_format(entry: Field) -> SignatureFormat:
    if not entry.has("signatureFormat"):
        return SignatureFormat.ANY
    return SignatureFormat(entry.member("signatureFormat").one_of(*SignatureFormat))


def _name(field: Field) -> str:
    text = field.text()
    if _NAME.fullmatch(text) is None:
        field.refuse("is not a name: letters, digits and . _ # - , a letter or digit at both ends")
    return text


def _project(document: Field) -> ProjectName | None:
    if not document.has("project"):
        return None
    field = document.member("project")
    try:
        return ProjectName.parse(field.text())
    except NameInvalid as invalid:
        field.refuse(invalid.message)
