"""Decides whether a new model takes the champion's place, from what is known of both tests.

With the same test rows the stored predictions are compared. With other test rows the champion is
scored on them, provided that it was trained on none of them. The new model must be better beyond
chance; whoever holds the place keeps it otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trialstack.errors import ModelRefusedError
from trialstack.registry.evidence import Evidence

SIGNIFICANCE = 0.1
"""One-sided p-value below which a positive difference moves the champion."""


class Comparison(Protocol):
    """What a paired comparison says (`trialstack.evaluation.comparison.AucComparison`)."""

    @property
    def difference(self) -> float:
        """AUC of the new model minus that of the old one."""

    @property
    def p_one_sided(self) -> float:
        """How probable such a difference is where the new model is not better."""


Compare = Callable[[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]], Comparison]
"""`(y, probabilities of the new model, of the old model)`: `compare_auc`."""

ScoreChampion = Callable[[str], NDArray[np.float64]]
"""Takes the champion's URI; returns its probabilities on the *new* test rows, shape
`(rows, classes)`. May raise `ModelRefusedError`, which makes the two incomparable."""


@dataclass(frozen=True)
class Verdict:
    """Outcome of a challenge.

    Attributes:
        wins: Whether the new model takes the place.
        comparable: Whether the two could be compared at all.
        reason: One line.
    """

    wins: bool
    comparable: bool
    reason: str


def challenge(
    new: Evidence,
    old: Evidence | None,
    *,
    champion: str,
    compare: Compare,
    score_champion: ScoreChampion | None,
) -> Verdict:
    """Compares a new model with the champion.

    Args:
        new: Of the new model.
        old: Of the champion; None when its run has none.
        champion: The champion's URI, `models:/NAME/VERSION`.
        compare: Paired comparison of two AUCs on the same rows.
        score_champion: Scores the champion on the new test rows; None when it cannot be done.
    """
    if not len(new.test_row_hashes):
        return _incomparable("there are no test rows", champion)
    if old is None or (obstacle := _other_task(new, old)):
        why = "its run holds no test predictions" if old is None else obstacle
        return _incomparable(why, champion)
    if _same_rows(new, old):
        found = compare(new.y_test, new.probabilities_test, old.probabilities_test)
        return _verdict(found, champion, "the same test rows")
    if seen := int(np.isin(new.test_row_hashes, old.training_row_hashes).sum()):
        return _incomparable(f"it was trained on {seen} of the new test rows", champion)
    if score_champion is None:
        return _incomparable("other test rows, on which it was not scored", champion)
    try:
        probabilities = score_champion(champion)
    except ModelRefusedError as error:
        return _incomparable(str(error), champion)
    found = compare(new.y_test, new.probabilities_test, probabilities)
    return _verdict(found, champion, "new test rows")


def _incomparable(obstacle: str, champion: str) -> Verdict:
    reason = f"not comparable with {champion}: {obstacle}"
    return Verdict(wins=False, comparable=False, reason=reason)


def _other_task(new: Evidence, old: Evidence) -> str:
    """How the champion's task differs from the new model's; empty where it is the same."""
    if sorted(new.feature_names) != sorted(old.feature_names):
        # The hashes of its training rows are then of other columns, and say nothing of the rows.
        return "it takes other columns"
    if new.classes != old.classes or _kinds(new) != _kinds(old):
        return "it knows other classes"
    return ""


def _kinds(evidence: Evidence) -> set[type]:
    """Types of the labels: 0, False and 0.0 are equal in Python, but not the same label."""
    return {type(label) for label in evidence.classes}


def _same_rows(new: Evidence, old: Evidence) -> bool:
    """Whether the stored predictions belong to the same rows in the same order."""
    return (
        new.test_digest == old.test_digest
        and np.array_equal(new.test_row_hashes, old.test_row_hashes)
        and np.array_equal(new.y_test, old.y_test)
    )


def _verdict(found: Comparison, champion: str, rows: str) -> Verdict:
    wins = found.difference > 0 and found.p_one_sided < SIGNIFICANCE
    word = "better than" if wins else "not shown to be better than"
    return Verdict(
        wins=wins,
        comparable=True,
        reason=(
            f"{word} {champion} on {rows}: difference in AUC {found.difference:+.4f}, "
            f"one-sided p = {found.p_one_sided:.3g} (below {SIGNIFICANCE:g} moves the champion)"
        ),
    )
