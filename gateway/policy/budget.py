"""How much of what is described together is searched for secrets.

What is pushed is as long as one likes to make it, and who reads it keeps a thread from everybody else's. What is past a
budget is masked unread, and who describes asks whether it was spent: that is a refusal of its own (`gateway.admission`),
which no rule's level lifts.

Pure: no I/O, no third-party import.
Source: DESIGN 7 and 11.
"""

from typing import Final

MAX_BUDGET_TEXTS: Final = 150_000
MAX_BUDGET_CANDIDATES: Final = 30_000
"""Of all texts together. Measured: 2 us for a harmless text, up to 30 us for a candidate, so the worst 4 MiB of labels are
about a second. An image of 2,000 labels and as many entries of an environment has 12,000 texts, and images have a few
dozen candidates."""

MAX_BUDGET_CHARACTERS: Final = 8 * 1024 * 1024
"""As often as they are read: a text that is not plain, or has escapes, is read a second time, and a third. Measured: 20 to
150 ms for a million. Real configs are a few KiB, the largest with a build's provenance in them some hundred."""

_CANDIDATE_CHARACTERS: Final = 256
"""A value of so many characters takes as long again as finding it did."""


class Budget:
    """How much may be read of what belongs together: past it nothing is, at no cost."""

    def __init__(
        self,
        *,
        texts: int = MAX_BUDGET_TEXTS,
        candidates: int = MAX_BUDGET_CANDIDATES,
        characters: int = MAX_BUDGET_CHARACTERS,
    ) -> None:
        self._texts = texts
        self._candidates = candidates
        self._characters = characters

    @property
    def spent(self) -> bool:
        """Whether nothing more is read."""
        return self._texts < 0 or self._candidates < 0 or self._characters < 0

    def take_text(self, *, characters: int = 0) -> bool:
        """Count a text that is to be read; return whether it may be."""
        self._texts -= 1
        self._characters -= characters
        return not self.spent

    def take_candidate(self, *, characters: int = 0) -> bool:
        """Count a match that is to be looked at closely; return whether it may be. A long one counts for several."""
        self._candidates -= 1 + characters // _CANDIDATE_CHARACTERS
        return not self.spent
