"""How much of what a stranger sent is looked at: every number of this package, with its source.

Each limit is compared before the work it bounds. Whatever is over one is refused, never cut to size.

Pure: no I/O, no third-party import.
Source: DESIGN 11; the published caps of sigstore-go (subjects, digests) and containers/image (payload).
"""

from typing import Final

MAX_EVIDENCE_MANIFEST_BYTES: Final = 1 << 20
"""DESIGN 11. An image's manifest may have 4 MiB; 100 signature layers fit into 1 MiB with room to spare."""

MAX_EVIDENCE_CONFIG_BYTES: Final = 64 << 10
"""cosign's synthetic config has 110 bytes for each layer and 125 besides: 11 KiB for a hundred."""

MAX_LAYERS: Final = 100
"""DESIGN 11; CVE-2024-29903 is a verifier without such a number."""

MAX_PAYLOAD_BYTES: Final = 64 << 10
"""Of a simple-signing payload: about 250 bytes and the signer's own claims."""

MAX_SIGNATURE_BYTES: Final = 1024
"""Of one raw signature: RSA-8192 has 1,024 bytes, everything else is shorter."""

MAX_SIGNATURE_DOCUMENT_BYTES: Final = 1 << 20
"""DESIGN 11, "bundle 1 MiB": of a bundle or envelope that is a plain signature."""

MAX_ATTESTATION_BYTES: Final = 32 << 20
"""DESIGN 11: of a bundle or envelope that carries a predicate, such as an SBOM."""

MAX_STATEMENT_NODES: Final = 4_000_000
"""JSON values of a statement, whose signature has been verified by then: an SBOM of 32 MiB at 8 bytes a value. Bundle and
envelope, which are read unverified, are a handful of values around one long string."""

MAX_ENVELOPE_SIGNATURES: Final = 8
"""Of a DSSE envelope outside a bundle; inside a bundle it is exactly one."""

MAX_LOG_ENTRIES: Final = 4
MAX_TIMESTAMPS: Final = 32

MAX_SUBJECTS: Final = 1024
MAX_SUBJECT_DIGESTS: Final = 32
"""Of an in-toto statement; both are sigstore-go's (CVE-2024-45395)."""

MAX_PREDICATE_TYPE_CHARS: Final = 1024
"""What the policy's input schema takes, and a test compares the two: one signature with a longer one would otherwise make a
document that no rule can be asked about, whatever else is proven of that image."""

MAX_STATEMENT_TEXT_CHARS: Final = 2048
"""Of a subject's name, which reaches logs and people's screens."""

MAX_DOCKER_REFERENCE_CHARS: Final = 1024

MAX_VERIFICATIONS: Final = 20_000
"""Signature checks in one evaluation of what was verified before, and again of all the rest: a second each on P-256."""

MAX_SHARE_VERIFICATIONS: Final = 4_000
"""Of the rest, for what one principal has brought."""

MAX_OBJECT_VERIFICATIONS: Final = 12_000
"""Of one manifest: a hundred signers' layers against a hundred keys, and some."""

MAX_REQUIREMENT_SIGNERS: Final = 100
"""DESIGN 3: signers kept for one requirement of an admission."""

MAX_TRUST_FILES: Final = 1000
MAX_TRUST_FILE_BYTES: Final = 256 << 10
MAX_TRUST_DEPTH: Final = 32
MAX_TRUST_POLICIES: Final = 1000
MAX_GLOB_CHARS: Final = 512
"""Of the trust directory. Its author is trusted; the numbers keep a mistake from becoming an outage."""
