"""Who may sign what: the trust policy of one revision.

A policy names repositories by globs and authorities that can vouch for them. Every policy that matches a repository must
pass; within one, any authority does. A repository that no policy matches has no way to be trusted.

The value carries the files that it was read from: its digest and its stored form are those of the files, so that what is
active can be read, compared and judged again as it was written.

Pure: no I/O, no third-party import.
Source: DESIGN 6 and 7 ("the directories are input, the catalog holds what is active").
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from gateway.errors import DocumentInvalid, TrustPolicyInvalid
from gateway.evidence import documents, trust_reader
from gateway.evidence.authorities import ImagePolicy
from gateway.evidence.keys import PublicKey
from gateway.evidence.limits import MAX_TRUST_FILE_BYTES, MAX_TRUST_FILES, MAX_TRUST_POLICIES
from gateway.oci import strict_json
from gateway.oci.names import RepositoryName

STORED_VERSION: Final = 1

_POLICY_SUFFIXES: Final = (".yaml", ".yml", ".json")
_KEY_SUFFIXES: Final = (".pub", ".pem")
_NOTES: Final = frozenset({"README.md", ".gitignore", ".gitkeep"})
"""Files that explain a directory. They are no part of the revision."""

_MAX_STORED_BYTES: Final = 2 * MAX_TRUST_FILES * MAX_TRUST_FILE_BYTES


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """All policies of one revision. Equal revisions have equal ``files``: relative path to text."""

    policies: tuple[ImagePolicy, ...] = field(compare=False)
    files: Mapping[str, str] = field(hash=False)

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> Self:
        """Return the trust policy in ``files``: the content of a trust directory, relative path to bytes.

        Raises `TrustPolicyInvalid` with file and path for whatever cannot be honoured to the letter: a file of another
        kind, an unknown word, a weak key, a condition that nothing here checks.
        """
        texts = _texts(files)
        keys = {
            name: PublicKey.parse(text.encode("utf-8"), where=name)
            for name, text in texts.items()
            if name.endswith(_KEY_SUFFIXES)
        }
        policies: dict[str, ImagePolicy] = {}
        for name, text in texts.items():
            if not name.endswith(_POLICY_SUFFIXES):
                continue
            for number, document in enumerate(documents.read(name, text.encode("utf-8")), start=1):
                policy = trust_reader.read_policy(document, number=number, keys=keys)
                if policy.name in policies:
                    document.refuse(f"the name {policy.name!r} is taken by another policy")
                policies[policy.name] = policy
        if len(policies) > MAX_TRUST_POLICIES:
            raise TrustPolicyInvalid("trust directory", f"more than {MAX_TRUST_POLICIES} policies")
        return cls(tuple(policies.values()), texts)

    @classmethod
    def deserialise(cls, stored: bytes) -> Self:
        """Return the trust policy that `serialise` wrote. Raises `TrustPolicyInvalid`: it is read as strictly as files."""
        where = "stored revision"
        try:
            document = strict_json.parse_object(stored, max_bytes=_MAX_STORED_BYTES)
        except DocumentInvalid as invalid:
            raise TrustPolicyInvalid(where, invalid.message) from None
        files = document.get("files")
        if document.keys() != {"version", "files"} or document["version"] != STORED_VERSION:
            raise TrustPolicyInvalid(where, f"not a trust policy of version {STORED_VERSION}")
        if not isinstance(files, dict):
            raise TrustPolicyInvalid(where, "files is not an object")
        contents = {name: text.encode("utf-8") for name, text in files.items() if isinstance(text, str)}
        if len(contents) != len(files):
            raise TrustPolicyInvalid(where, "a file is not a string")
        return cls.load(contents)

    def serialise(self) -> bytes:
        """Return the stored form: JSON of the files, sorted. Equal files give equal bytes."""
        document = {"version": STORED_VERSION, "files": dict(self.files)}
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")

    @property
    def digest(self) -> str:
        """The revision's name: ``sha256:<hex>`` over `serialise`."""
        return f"sha256:{hashlib.sha256(self.serialise()).hexdigest()}"

    def matching(self, repository: RepositoryName, *, registry_hosts: frozenset[str]) -> tuple[ImagePolicy, ...]:
        """Return the policies about ``repository``, ordered by file name and place in the file."""
        return tuple(policy for policy in self.policies if policy.matches(repository, registry_hosts=registry_hosts))


def _texts(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the files of the revision as text, by sorted path. Raises `TrustPolicyInvalid`."""
    texts: dict[str, str] = {}
    for name in sorted(files):
        if name.rpartition("/")[2] in _NOTES:
            continue
        if not trust_reader.is_plain_path(name):
            raise TrustPolicyInvalid(name[:200], "not a plain relative path")
        if not name.endswith(_POLICY_SUFFIXES + _KEY_SUFFIXES):
            # A policy that was renamed to switch it off would otherwise look as if it were in force, or the reverse.
            raise TrustPolicyInvalid(
                name, f"neither a policy ({', '.join(_POLICY_SUFFIXES)}) nor a key ({', '.join(_KEY_SUFFIXES)})"
            )
        if len(files[name]) > MAX_TRUST_FILE_BYTES:
            raise TrustPolicyInvalid(name, f"larger than {MAX_TRUST_FILE_BYTES} bytes")
        try:
            texts[name] = files[name].decode("utf-8")
        except UnicodeDecodeError:
            raise TrustPolicyInvalid(name, "not UTF-8") from None
    if len(texts) > MAX_TRUST_FILES:
        raise TrustPolicyInvalid("trust directory", f"more than {MAX_TRUST_FILES} files")
    return texts
