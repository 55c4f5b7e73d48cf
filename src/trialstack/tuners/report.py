"""How the trials of a search were trained, and what the oracle knows of them as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class ExecutionReport:
    """How many trials were stacked, how many ran one by one, and why.

    Attributes:
        stacked: Trials trained in a stack.
        one_by_one: Trials trained by `model.fit`.
        reasons: Why trials were not stacked -> how many, those included that failed.
    """

    stacked: int = 0
    one_by_one: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)

    def add(self, stacked: bool) -> None:
        """Counts one trial that came to its end."""
        if stacked:
            self.stacked += 1
        else:
            self.one_by_one += 1
