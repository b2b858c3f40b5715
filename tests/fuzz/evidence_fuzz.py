"""Valid evidence, mutated: does anything count that nobody signed?

    python -m tests.fuzz.evidence_fuzz --count N [--seed S]
        last line: ``false admits: 0 of N``; exit status 1 otherwise
    python -m tests.fuzz.evidence_fuzz --self-check [--count N]
        breaks the verifier on purpose, one check at a time, and exits 0 only if the fuzz notices each of them

The oracle is a ledger of what the keys really signed, kept by those who signed it: for everything that comes out as
verified there must be a line in it that says the same key, subject, predicate type, statement and claims, and, for a
classic signature, the same repository. It reads no signature and no mutated byte, so it shares no mistake with the
verifier. Whatever the verifier raises is a finding too. Equal seeds give equal runs.

I/O: standard output.
"""

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

from gateway.errors import GatewayError, ManifestInvalid
from gateway.evidence import keys, signed_identity, statement, values, verify
from gateway.evidence.classify import classify
from gateway.evidence.content import parse_content
from gateway.evidence.judge import judge_trust
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import EvidenceObject, TrustSatisfied, Verified
from gateway.evidence.verify import verify_all
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName, Tag
from tests.support import evidence as made
from tests.support.evidence_mutations import Mutator

KINDS: Final[tuple[made.KeyKind, ...]] = ("ecdsa-p256", "ecdsa-p384", "ed25519")
TRUSTED: Final = tuple(made.signer(kind) for kind in KINDS)
STRANGER: Final = made.signer(seed=666)
SUBJECTS: Final = (made.SUBJECT, made.OTHER_SUBJECT)
REPOSITORIES: Final = ("team/app", "team/other")
HOSTS: Final = frozenset({made.HOST})


@dataclass(frozen=True, slots=True)
class Signed:
    """One line of the ledger: what a trusted key signed. ``repository`` is None where the format names none."""

    key: str
    subject: str
    predicate_type: str | None
    document: Any
    claims: Any
    repository: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be: what, and the mutation that led there."""

    what: str
    mutation: str


class Corpus:
    """Genuine evidence by trusted keys and, ``foreign``, by a stranger; and the ledger of the former.

    No two things that a key signed have the same claims, so that the ledger tells them apart.
    """

    def __init__(self) -> None:
        self.pieces: list[made.Evidence] = []
        self.ledger: list[Signed] = []
        for signer in TRUSTED:
            for subject in SUBJECTS:
                pieces, lines = _signed_by(signer, subject)
                self.pieces += pieces
                self.ledger += lines
        self.foreign = [piece for subject in SUBJECTS for piece in _signed_by(STRANGER, subject)[0]]
        self.pieces += self.foreign


def _signed_by(key: made.Signer, subject: str) -> tuple[list[made.Evidence], list[Signed]]:
    """Return everything that ``key`` signs about ``subject``, and the lines of the ledger."""
    pieces: list[made.Evidence] = []
    lines: list[Signed] = []
    for repository in REPOSITORIES:
        claims = {"for": f"{repository}@{subject}"}
        reference = f"{made.HOST}/{repository}"
        pieces += [
            made.signed_classic(key, subject=subject, reference=reference, optional=claims, referrer=referrer)
            for referrer in (False, True)
        ]
        lines.append(Signed(key.id, subject, None, None, claims, repository))
    statements = [
        made.sign_statement(subject, annotations={"for": subject}),
        made.sign_statement(subject, predicate=False),
    ]
    pieces += [made.signed_bundle(key, subject=subject, payload=payload) for payload in statements]
    for predicate_type in (made.SLSA_PROVENANCE, made.SPDX):
        payload = made.attest_statement(predicate_type, {"by": "fuzz"}, subject=subject)
        statements.append(payload)
        pieces += [
            made.attested_classic(key, payload, subject=subject),
            made.attested_bundle(key, predicate_type, {"by": "fuzz"}, subject=subject),
            made.attested_in_toto(key, payload, subject=subject),
        ]
    for payload in statements:
        document = json.loads(payload)
        claims = document["subject"][0].get("annotations", {})
        lines.append(Signed(key.id, subject, document["predicateType"], document, claims, None))
    return pieces, lines


class Fuzz:
    """One seeded run."""

    def __init__(self, corpus: Corpus, seed: int) -> None:
        self.corpus = corpus
        self.random = random.Random(seed)
        self.mutator = Mutator(self.random, corpus.pieces, signer=STRANGER, hint=TRUSTED[0].hint)
        self.trust = TrustPolicy.load(made.trust_files(*TRUSTED, globs=["team/*"]))
        self.outcomes: Counter[str] = Counter()

    def run(self, count: int) -> list[Finding]:
        """Return what ``count`` mutations found; empty is good."""
        findings = [finding for evidence in self.corpus.pieces for finding in self._control(evidence)]
        for _ in range(count):
            findings += self._judge(*self.mutator.mutate(self.random.choice(self.corpus.pieces)))
        return findings

    def _control(self, evidence: made.Evidence) -> list[Finding]:
        """Return a finding where genuine evidence does not verify: a verifier that refuses everything admits nothing."""
        candidate = evidence.object()
        subject = str(candidate.claim.subject)
        verified = any(self._ask(candidate, subject, repository)[0] for repository in REPOSITORIES)
        if verified is (evidence in self.corpus.foreign):
            return [Finding("genuine evidence is refused, or a stranger's is not", "none")]
        return []

    def _judge(self, evidence: made.Evidence, name: str) -> list[Finding]:
        candidate = self._candidate(evidence)
        if candidate is None:
            return []
        try:
            parse_content(candidate)
        except ManifestInvalid:
            self.outcomes["other content"] += 1  # judged all the same: the verifier must not need the check before it
        claimed = str(candidate.claim.subject)
        subject = self.random.choice((*SUBJECTS, claimed, claimed, claimed, claimed))
        repository = self.random.choice(REPOSITORIES)
        try:
            verified, satisfied = self._ask(candidate, subject, repository)
        except Exception as error:
            return [Finding(f"the verifier raised {type(error).__name__}: {error}", name)]
        self.outcomes["still genuine" if verified else "proves nothing"] += 1
        true = [each for each in verified if self._is_true(each, candidate, subject, repository)]
        findings = [
            Finding(f"{each.predicate_type or 'signature'} verified that nobody signed", name)
            for each in verified
            if each not in true
        ]
        if satisfied and all(each.predicate_type not in (None, made.COSIGN_SIGN) for each in true):
            findings.append(Finding("trust satisfied without a signature", name))
        return findings

    def _candidate(self, evidence: made.Evidence) -> EvidenceObject | None:
        try:
            manifest = Manifest.parse(evidence.manifest, content_type=made.OCI_MANIFEST, max_bytes=4 << 20)
            claim = classify(manifest, None if evidence.tag is None else Tag.parse(evidence.tag))
            blobs = {Digest.parse(digest): content for digest, content in evidence.blobs.items()}
        except GatewayError:
            self.outcomes["no manifest"] += 1
            return None
        if claim is None:
            self.outcomes["no evidence"] += 1
            return None
        return EvidenceObject(manifest, claim, blobs, made.FIRST_SEEN)

    def _ask(self, candidate: EvidenceObject, subject: str, repository: str) -> tuple[tuple[Verified, ...], bool]:
        """Return what is verified, and whether the trust policy, which wants a signature, is satisfied."""
        digest, name = Digest.parse(subject), RepositoryName.parse(repository)
        report = verify_all(digest, name, [candidate], self.trust, registry_hosts=HOSTS, now=made.FIRST_SEEN)
        verdict = judge_trust(report, name, self.trust, registry_hosts=HOSTS)
        return report.verified, isinstance(verdict, TrustSatisfied)

    def _is_true(self, verified: Verified, candidate: EvidenceObject, subject: str, repository: str) -> bool:
        """Return whether the ledger says what ``verified`` says, and its digests are those of the bytes given."""
        content = candidate.blobs.get(verified.layer)
        if content is None or Digest.of(content) != verified.layer:
            return False
        if Digest.of(candidate.manifest.raw) != verified.evidence:
            return False
        return any(
            (line.key, line.subject, line.predicate_type, line.document, line.claims)
            == (verified.signer.id, subject, verified.predicate_type, verified.statement, verified.annotations)
            and line.repository in (None, repository)
            for line in self.corpus.ledger
        )


def _sabotage(name: str) -> Any:
    """Return a context in which one check of the verifier is gone. Only here, to show that the fuzz sees it."""
    match name:
        case "signature":
            return patch.object(keys.PublicKey, "made", lambda *_, **__: True)
        case "classic digest":
            return patch.object(verify, "_check_manifest_digest", lambda *_: None)
        case "statement digest":
            said = statement.Statement
            return patch.object(said, "annotations_for", lambda self, _: self.subjects[0].annotations)
        case "repository":
            return patch.object(signed_identity, "check", lambda *_, **__: None)
        case "attestation":
            return patch.object(values.Verified, "is_signature", True)
        case _:
            return patch.object(Digest, "check", lambda *_: None)


SABOTAGES: Final = ("signature", "classic digest", "statement digest", "repository", "attestation", "stored bytes")


def _self_check(count: int, seed: int) -> bool:
    corpus = Corpus()
    found = 0
    for name in SABOTAGES:
        with _sabotage(name):
            findings = Fuzz(corpus, seed).run(count)
        mutated = [each for each in findings if each.mutation != "none"]
        _say(f"without the check of {name}: {len(mutated)} false admits of {count}")
        found += bool(mutated)
    _say(f"self-check: {found} of {len(SABOTAGES)} sabotages found")
    return found == len(SABOTAGES)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(arguments: Sequence[str]) -> int:
    """Run as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--self-check", action="store_true")
    options = parser.parse_args(arguments)
    if options.self_check:
        return 0 if _self_check(options.count, options.seed) else 1
    fuzz = Fuzz(Corpus(), options.seed)
    findings = fuzz.run(options.count)
    for finding in findings[:20]:
        _say(f"FALSE ADMIT {finding.what} (mutation: {finding.mutation})")
    for outcome, times in sorted(fuzz.outcomes.items()):
        _say(f"{outcome}: {times}")
    _say(f"false admits: {len(findings)} of {options.count}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
