"""How the trials of a search were trained, and what the oracle knows of them as a table."""

from __future__ import annotations

import collections
from dataclasses import dataclass, field


@dataclass
class ExecutionReport:
    """How many trials were stacked, how many ran one by one, and why.

    Attributes:
        stacked: Trials trained in a stack.
        one_by_one: Trials trained by `model.fit`.
        reasons: Why trials were not stacked -> how many.
    """

    stacked: int = 0
    one_by_one: int = 0
    reasons: collections.Counter[str] = field(default_factory=collections.Counter)

    def add(self, stacked: bool, reason: str = "the one-by-one executor was chosen") -> None:
        """Counts one trial."""
        if stacked:
            self.stacked += 1
        else:
            self.one_by_one += 1
            self.reasons[reason] += 1
