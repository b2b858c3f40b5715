"""Mutations of valid evidence, for `tests/fuzz/evidence_fuzz.py`: what an attacker without a trusted key could push.

By byte and by member; with names that are made honest again, so that the mutation reaches the verifier, or left false.

Pure: no I/O; randomness is passed in.
"""

import base64
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from tests.support import evidence as made
from tests.support.evidence_drafts import Draft, damage, loose_json, rearrange

SIGNATURE: Final = "dev.cosignproject.cosign/signature"


class Mutator:
    """The mutations, with a source of chance and pieces of evidence to take parts from. Each changes a draft in place."""

    def __init__(
        self, source: random.Random, pieces: Sequence[made.Evidence], *, signer: made.Signer, hint: str
    ) -> None:
        self.random = source
        self.pieces = pieces
        self.signer = signer
        self.hint = hint
        self._mutations: tuple[Callable[[Draft], None], ...] = (
            self._layer_bytes,
            self._layer_document,
            self._inner_payload,
            self._inner_signature,
            self._exchange_signature,
            self._exchange_layer,
            self._manifest_bytes,
            self._manifest_document,
            self._subject,
            self._resign,
            self._reform,
            self._false_names,
            self._append_layer,
        )

    def mutate(self, evidence: made.Evidence) -> tuple[made.Evidence, str]:
        """Return ``evidence`` after one to three mutations, and their names."""
        draft = Draft.of(evidence)
        applied = self.random.choices(self._mutations, k=self.random.choice((1, 1, 1, 2, 3)))
        for mutation in applied:
            mutation(draft)
        return draft.finish(), " + ".join(mutation.__name__.strip("_") for mutation in applied)

    def _layer_bytes(self, draft: Draft) -> None:
        place = self._layer(draft)
        draft.layers[place] = damage(self.random, draft.layers[place])

    def _layer_document(self, draft: Draft) -> None:
        place = self._layer(draft)
        document = loose_json(draft.layers[place])
        rearrange(self.random, document)
        draft.layers[place] = made.go_json(document)

    def _inner_payload(self, draft: Draft) -> None:
        """Change what the envelope carries, by byte or by member, under the old signature."""
        place, document, envelope = self._envelope(draft)
        if isinstance(envelope.get("payload"), str):
            payload = _lenient(envelope["payload"])
            if self.random.randrange(2):
                inner = loose_json(payload)
                rearrange(self.random, inner)
                payload = made.go_json(inner)
            else:
                payload = damage(self.random, payload)
            envelope["payload"] = base64.b64encode(payload).decode()
            draft.layers[place] = made.go_json(document)

    def _inner_signature(self, draft: Draft) -> None:
        self._with_signature(draft, lambda signature: damage(self.random, signature))

    def _exchange_signature(self, draft: Draft) -> None:
        other = Draft.of(self.random.choice(self.pieces))
        taken: list[bytes] = []

        def take(signature: bytes) -> bytes:
            taken.append(signature)
            return signature

        self._with_signature(other, take)
        if taken:
            self._with_signature(draft, lambda _: taken[0])

    def _exchange_layer(self, draft: Draft) -> None:
        """Put in another piece's layer, its annotations included or not."""
        other = Draft.of(self.random.choice(self.pieces))
        place = self._layer(draft)
        draft.layers[place] = other.layers[0]
        layers = draft.manifest.get("layers", [])
        layer = layers[place] if place < len(layers) else None
        if self.random.randrange(2) and isinstance(layer, dict):
            layer["annotations"] = other.manifest["layers"][0].get("annotations", {})

    def _manifest_bytes(self, draft: Draft) -> None:
        draft.finish()
        draft.raw = damage(self.random, made.go_json(draft.manifest))

    def _manifest_document(self, draft: Draft) -> None:
        rearrange(self.random, draft.manifest)
        if not isinstance(draft.manifest.get("layers"), list):
            draft.manifest["layers"] = []

    def _subject(self, draft: Draft) -> None:
        """Attach it to the other subject."""
        other = {made.SUBJECT: made.OTHER_SUBJECT, made.OTHER_SUBJECT: made.SUBJECT}
        if isinstance(draft.manifest.get("subject"), dict):
            draft.manifest["subject"]["digest"] = other.get(str(draft.manifest["subject"].get("digest")), made.SUBJECT)
        if draft.tag is not None:
            digest = f"sha256:{draft.tag[7:71]}"
            draft.tag = f"{other.get(digest, made.SUBJECT).replace(':', '-')}{draft.tag[71:]}"

    def _resign(self, draft: Draft) -> None:
        """Sign what it says by a key that nobody trusts; the rest stays as it was."""
        place, _, envelope = self._envelope(draft)
        if isinstance(envelope.get("payload"), str):
            message = made.pae(_lenient(envelope["payload"]))
        else:
            message = draft.layers[place]
        self._with_signature(draft, lambda _: self.signer.sign(message))

    def _reform(self, draft: Draft) -> None:
        """Say that it is another form: an envelope out of a bundle, a bundle's signature as an attestation, and so on."""
        _, document, envelope = self._envelope(draft)
        if "payload" not in envelope:
            return
        if document is envelope:
            material = {"publicKey": {"hint": self.hint}}
            content = made.go_json(
                {"mediaType": made.BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope}
            )
        else:
            content = made.go_json(envelope)
        attached = draft.manifest.get("subject")
        subject = attached.get("digest") if isinstance(attached, dict) else None
        if draft.tag is not None:
            subject = f"sha256:{draft.tag[7:71]}"
        if not isinstance(subject, str):
            return
        choices = (
            made.bundle_referrer(content, subject=subject),
            made.in_toto_referrer(content, subject=subject),
            made.classic_manifest([(content, {})], layer_type=made.DSSE, tag=f"{subject.replace(':', '-')}.att"),
        )
        changed = Draft.of(self.random.choice(choices))
        draft.manifest, draft.config, draft.layers = changed.manifest, changed.config, changed.layers
        draft.tag = changed.tag

    def _false_names(self, draft: Draft) -> None:
        """Change a byte, often one that no signature covers, and keep the old digest and size."""
        draft.finish()
        draft.honest_names = False
        place = self._layer(draft)
        content = bytearray(draft.layers[place] or b"\0")
        hint = content.find(b'"hint":"')
        offset = hint + 8 if hint >= 0 and self.random.randrange(4) else self.random.randrange(len(content))
        content[offset] = self.random.choice(b"abcABC012 ")
        draft.layers[place] = bytes(content)

    def _append_layer(self, draft: Draft) -> None:
        other = Draft.of(self.random.choice(self.pieces))
        if isinstance(draft.manifest.get("layers"), list):
            draft.manifest["layers"].append(other.manifest["layers"][0])
            draft.layers.append(other.layers[0])

    def _layer(self, draft: Draft) -> int:
        if not draft.layers:
            draft.layers.append(b"{}")
        return self.random.randrange(len(draft.layers))

    def _envelope(self, draft: Draft) -> tuple[int, Any, dict[str, Any]]:
        """Return a layer's place, its document, and the envelope in it ({} where there is none)."""
        place = self._layer(draft)
        document = loose_json(draft.layers[place])
        inner = document.get("dsseEnvelope", document) if isinstance(document, dict) else {}
        return place, document, inner if isinstance(inner, dict) else {}

    def _with_signature(self, draft: Draft, change: Callable[[bytes], bytes]) -> None:
        """Replace a signature, wherever its format keeps it."""
        place, document, envelope = self._envelope(draft)
        entries = envelope.get("signatures")
        if isinstance(entries, list) and entries and isinstance(entries[0], dict):
            entries[0]["sig"] = _changed(entries[0].get("sig"), change)
            draft.layers[place] = made.go_json(document)
            return
        layers = draft.manifest.get("layers")
        layer = layers[place] if isinstance(layers, list) and place < len(layers) else None
        annotations = layer.get("annotations") if isinstance(layer, dict) else None
        if isinstance(annotations, dict) and annotations.get(SIGNATURE):
            annotations[SIGNATURE] = _changed(annotations[SIGNATURE], change)


def _lenient(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded + "==")
    except ValueError:
        return b""


def _changed(encoded: Any, change: Callable[[bytes], bytes]) -> Any:
    if not isinstance(encoded, str):
        return encoded
    return base64.b64encode(change(_lenient(encoded))).decode()
