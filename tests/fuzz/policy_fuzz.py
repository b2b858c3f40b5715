"""The two engines against each other: generated inputs that are valid, under several sets of parameters.

    python -m tests.fuzz.policy_fuzz --count 2000 [--seed 1] [--opa PROGRAM]

Compares the outcome and the sorted (code, subject) pairs. Fails where they differ, where fewer than 30 in 100 are
allowed or denied, or where a rule never fires. The last line is ``differences: D of N``. The same seed makes the same
inputs, on every machine.

I/O: a real OPA server on a Unix socket, in a directory that is removed afterwards.
"""

# ruff: noqa: T201  a command prints

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final, TypeAlias

from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy.engine import PolicyEngine
from gateway.policy.opa_engine import OpaEngine
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import PolicyAllowed, PolicyBroken, PolicyDenied, PolicyOutcome, PolicyUnavailable
from gateway.policy.wasm_engine import WasmEngine
from tests.support.policy import (
    BASE_NAME,
    IMAGE_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    RULES,
    admissible,
    codes,
    digest,
    image,
    index,
    opa_program,
    opa_server,
    strict_revision,
)

Pair: TypeAlias = tuple[PolicyOutcome, PolicyOutcome]

BATCH: Final = 100
USERS: Final = [
    "1",
    "1000:1000",
    "app",
    "nobody",
    "0",
    "",
    "root",
    "root:x",
    "00",
    "+0",
    ":0",
    "Root",
    "\u2003root",
    "ROOT\n",
    "[masked: jwt]",
    "[Masked: jwt]",
    "0:[masked: jwt]",
]
NAMES: Final = ["docker.io/library/alpine:3.20", "docker.io/library/", "ghcr.io/x/y", "", "*", "docker.io/library/é\n"]
TEXTS: Final = [
    "payments",
    "",
    "a" * 300,
    "é",
    "\x00",
    "\u2028",
    '"\\',
    "*",
    "[x]",
    "{a,b}",
    "\U0001f600",
    "\u212a",
    "ſ",
    "%",
]
TYPES: Final = [LAYER_TYPE, IMAGE_TYPE, "application/x-tar", "application/vnd.oci.", "text/plain; charset=utf-8"]
NUMBERS: Final = [0, 1, 999, 1000, 1001, 2**31 - 1, 2**31, 2**32, 2**53 - 1]
DETECTORS: Final = ["jwt", "private-key", "aws-access-key", "high-entropy-value"]


def revision_of(random_: random.Random) -> PolicyRevision:
    """Return the shipped rules under parameters drawn anew, the lenient ones more often: else nothing is allowed."""

    def level() -> str:
        return random_.choice(["enforce", "enforce", "enforce", "warn", "off"])

    def one_of(*values: JsonValue) -> JsonValue:
        return random_.choice(values)

    return strict_revision(
        SIG001={
            "level": level(),
            "minimum_signers": one_of(1, 1, 1, 2),
            "accept_static_pass": one_of(True, False),
        },
        TAG001={"level": level(), "immutable_tags": one_of([], ["v*"], ["*"], ["latest", "v1.*"])},
        BASE001={
            "level": level(),
            "allowed": one_of(["*"], ["docker.io/library/*"], ["*alpine*", "*.io/x/*"], ["docker.io/*"], []),
            "undeclared": one_of("allow", "allow", "deny"),
        },
        SEC001={"level": level(), "ignored_detectors": one_of([], ["jwt"], list[JsonValue](DETECTORS))},
        CFG001={"level": level(), "exempt_repositories": one_of([], [], ["web/*"], ["*"])},
        ANN001={
            "level": level(),
            "required": one_of(
                [],
                [{"key": "team", "in": "label", "value": "*"}],
                [{"key": "team", "in": "either", "value": "pay*"}],
                [{"key": "team", "in": "annotation", "value": "*"}, {"key": "b", "in": "label", "value": "*a*"}],
            ),
        },
        PUSH001={
            "level": level(),
            "pushers": one_of(
                [],
                [],
                [{"claims": {"repository_id": "74"}}],
                [{"claims": {"repository_id": "7*", "ref": "refs/heads/*"}}, {"claims": {"ref": "*"}}],
            ),
        },
        SIZE001={
            "level": level(),
            "max_bytes": one_of(1000, 2**31, 2**53 - 1),
            "max_layers": one_of(2, 127),
            "manifest_media_types": one_of(["*"], ["application/vnd.oci.*"]),
            "layer_media_types": one_of(["*"], ["application/vnd.oci.*", "application/x-*"]),
            "foreign_layers": one_of("allow", "deny"),
        },
    )


def document(random_: random.Random) -> JsonObject:
    """Return a valid input: mostly what passes, with a few things drawn anew."""
    wild = random_.choice([0.0, 0.0, 0.03, 0.1, 0.4])
    subjects = _subjects(random_, wild)
    tagged = _coin(random_)
    tag: JsonObject = {
        "name": random_.choice(["v1.0", "latest", "v", "dev", "1_x"]),
        "target": random_.choice([None, None, digest("a"), digest("9")]),
        "target_is_this": random_.choice([True, False]),
    }
    signed = not _sometimes(random_, wild)
    verified: list[JsonValue] = [_verified(random_) for _ in range(random_.choice([1, 2, 3]) if signed else 0)]
    where: JsonObject = {
        "registry": "localhost:5000",
        "project": random_.choice(["payments", "web", "p" * 200]),
        "repository": random_.choice(["payments/api", "web/shop/front", "web/"]),
        "mode": random_.choice(["hold", "strict", "warn"]),
    }
    return admissible(
        decision="tag" if tagged else "manifest",
        tag=tag if tagged else None,
        where=where,
        subjects=list[JsonValue](subjects),
        trust={
            "satisfied": signed,
            "static_pass": _sometimes(random_, wild),
            "policies": ["payments"] if signed else [],
            "signers": list[JsonValue](random_.choice([["key:1"], ["key:1", "key:2"], []]) if signed else []),
            "codes": [] if signed else ["SIGNATURE_MISSING"],
        },
        evidence={"verified": verified, "rejected": []},
        **({"who": _who(random_)} if _sometimes(random_, wild) else {}),
    )


def _who(random_: random.Random) -> JsonObject:
    claims: JsonObject = {}
    for name, values in (
        ("repository_id", ["74", "75", "7"]),
        ("ref", ["refs/heads/main", "refs/tags/v1", ""]),
        ("é", TEXTS),
    ):
        if _coin(random_):
            claims[name] = random_.choice(values)
    kind = random_.choice(["workload", "workload", "user", "robot"])
    return {"id": "w:1", "kind": kind, "name": random_.choice(["ci+shop", "anna"]), "claims": claims}


def _subjects(random_: random.Random, wild: float) -> list[JsonObject]:
    if random_.random() < 0.6:
        return [_subject(random_, wild, "a", root=True)]
    children = [_subject(random_, wild, character, root=False) for character in "bcd"[: random_.randint(1, 3)]]
    return [index(annotations=_texts(random_, wild), media_type=INDEX_TYPE), *children]


def _subject(random_: random.Random, wild: float, character: str, *, root: bool) -> JsonObject:
    subject = image(digest=digest(character), root=root)
    config = subject["config"]
    assert isinstance(config, dict)
    if _sometimes(random_, wild):
        config["user"] = random_.choice(USERS)
    if _sometimes(random_, wild):
        config["labels"] = _texts(random_, wild)
    if _sometimes(random_, wild):
        subject["annotations"] = _texts(random_, wild)
    if _sometimes(random_, wild):
        subject["size"] = random_.choice(NUMBERS)
    if _sometimes(random_, wild):
        subject["layers"] = [_layer(random_) for _ in range(random_.choice([0, 1, 2, 3, 130]))]
    if _sometimes(random_, wild):
        subject["media_type"] = random_.choice(TYPES)
    if _sometimes(random_, wild):
        found: JsonObject = {"detector": random_.choice(DETECTORS), "where": random_.choice(TEXTS) or "env:X"}
        subject["secret_findings"] = [found] * random_.choice([1, 2])
    if _sometimes(random_, wild / 2):
        subject["kind"] = random_.choice(["artifact", "attestation", "chart"])
        subject["config"] = random_.choice([None, config])
    elif _sometimes(random_, wild / 4):
        subject["config"] = None
    return subject


def _texts(random_: random.Random, wild: float) -> JsonObject:
    texts: JsonObject = {}
    if not _sometimes(random_, wild):
        texts["team"] = "payments"
    for name in ("team", BASE_NAME, "b", "é", ""):
        if _coin(random_):
            texts[name] = random_.choice(NAMES if name == BASE_NAME else TEXTS)
    return texts


def _layer(random_: random.Random) -> JsonObject:
    return {
        "digest": digest(random_.choice("123")),
        "size": random_.choice(NUMBERS),
        "media_type": random_.choice(TYPES),
        "foreign": _sometimes(random_, 0.2),
    }


def _verified(random_: random.Random) -> JsonObject:
    return {
        "evidence": digest(random_.choice("ef")),
        "format": "cosign-bundle",
        "signer": random_.choice(["key:1", "key:2"]),
        "signer_name": random_.choice(TEXTS),
        "authority": "release",
        "policy": random_.choice(["payments", "payments", "payments", "trial"]),
        "predicate_type": random_.choice([None, "https://spdx.dev/Document"]),
        "annotations": {"n": random_.choice([1, True, None, "x", 2**53 - 1])},
        "first_seen": 1790000000,
    }


def _coin(random_: random.Random) -> bool:
    return random_.random() < 0.5


def _sometimes(random_: random.Random, probability: float) -> bool:
    return random_.random() < probability


def shown(outcome: PolicyOutcome) -> tuple[str, list[tuple[str, str]]]:
    """Return what must be equal: the outcome's kind and its (code, subject) pairs."""
    return type(outcome).__name__, codes(outcome)


async def _answers(engine: PolicyEngine, revision: PolicyRevision, documents: list[JsonObject]) -> list[PolicyOutcome]:
    try:
        await engine.activate(revision)
        return [await engine.evaluate(document, deadline_seconds=60.0) for document in documents]
    finally:
        await engine.close()


async def _both(address: str, revision: PolicyRevision, documents: list[JsonObject]) -> list[Pair]:
    wasm, opa = await asyncio.gather(
        _answers(WasmEngine(max_evaluation_seconds=60.0), revision, documents),
        _answers(OpaEngine(address=address), revision, documents),
    )
    return list(zip(wasm, opa, strict=True))


def run(count: int, seed: int, program: Path) -> int:
    """Compare ``count`` inputs and return the exit status."""
    random_ = random.Random(seed)
    outcomes: Counter[str] = Counter()
    fired: Counter[str] = Counter()
    differences = unanswered = done = 0
    while done < count:
        revision = revision_of(random_)
        documents = [document(random_) for _ in range(min(BATCH, count - done))]
        with tempfile.TemporaryDirectory() as folder, opa_server(program, Path(folder), revision) as server:
            pairs = asyncio.run(_both(server.address, revision, documents))
        for asked, (wasm, opa) in zip(documents, pairs, strict=True):
            outcomes[type(wasm).__name__] += 1
            fired.update({code for code, _ in codes(wasm)})
            unanswered += isinstance(wasm, PolicyBroken | PolicyUnavailable)
            if shown(wasm) != shown(opa):
                differences += 1
                print(json.dumps({"input": asked, "wasm": repr(wasm), "opa": repr(opa)}), file=sys.stderr)
        done += len(documents)
    print("outcomes:", ", ".join(f"{name} {number}" for name, number in sorted(outcomes.items())))
    print("fired:", ", ".join(f"{code} {fired[code]}" for code in sorted(RULES.values())))
    enough = all(outcomes[kind.__name__] >= 0.3 * count for kind in (PolicyAllowed, PolicyDenied))
    every = all(fired[code] for code in RULES.values())
    if not enough or not every or unanswered:
        print("not fair: 30 in 100 allowed and denied, every rule fired, every input answered", file=sys.stderr)
    print(f"differences: {differences} of {count}")
    return 0 if differences == 0 and enough and every and not unanswered else 1


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description="Compare the two policy engines on generated inputs")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--opa", type=Path, default=None)
    arguments = parser.parse_args()
    program = arguments.opa or opa_program()
    if program is None:
        print("opa is missing: tests/tools/install opa", file=sys.stderr)
        return 2
    return run(arguments.count, arguments.seed, program)


if __name__ == "__main__":
    sys.exit(main())
