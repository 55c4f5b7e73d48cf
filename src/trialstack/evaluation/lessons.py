"""Whether a lesson about a model holds, judged over many seeds and not by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Range = tuple[float, float]
"""The lowest and the highest accuracy that count."""


@dataclass(frozen=True)
class Expectation:
    """What a lesson says of a model's accuracy.

    Attributes:
        median: Over seeds it is at least this; None = the lesson is about a share of the seeds.
        accuracy: At least `share` of the seeds are within this range.
        share: From 0 to 1.
    """

    median: float | None = None
    accuracy: Range | None = None
    share: float | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether a lesson holds.

    Attributes:
        holds: Whether it does.
        found: What speaks for or against it, in a few words.
        wanted: What would have been enough, in a few words.
    """

    holds: bool
    found: str
    wanted: str


@dataclass(frozen=True, eq=False)
class SeedStudy:
    """What a model came to from many seeds.

    Attributes:
        losses: Shape `(seeds,)`, by the number of the seed; NaN where the training failed.
        accuracies: Likewise.
    """

    losses: NDArray[np.float64]
    accuracies: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.accuracies)

    @property
    def median(self) -> float:
        """Median accuracy."""
        return median_of(self.accuracies)

    @property
    def median_loss(self) -> float:
        """Median loss of the trainings that did not fail; NaN if all did."""
        finite = self.losses[np.isfinite(self.losses)]
        return float(np.median(finite)) if len(finite) else float("nan")


def median_of(accuracies: ArrayLike) -> float:
    """Median accuracy over seeds; a training that failed (NaN) counts as 0.

    >>> median_of([0.5, 0.9, 1.0]), median_of([float("nan"), 0.9])
    (0.9, 0.45)
    """
    return float(np.median(np.nan_to_num(np.asarray(accuracies, dtype=np.float64))))


def share_within(accuracies: ArrayLike, within: Range) -> float:
    """Share of seeds whose accuracy is in a range, its ends included; NaN is in none.

    Accuracies are compared at eight decimals: 130 of 200 rows are 0.65.

    >>> share_within([0.4, 0.65, 0.7, float("nan")], (0.4, 0.65))
    0.5
    """
    rounded = np.round(np.asarray(accuracies, dtype=np.float64), 8)
    return float(np.mean((rounded >= within[0]) & (rounded <= within[1])))


def judge(accuracies: ArrayLike, expected: Expectation) -> Verdict:
    """Judges a lesson.

    Args:
        accuracies: One a seed, at least one.
        expected: What the lesson says.

    Example:
        >>> judge([0.5, 0.9, 1.0], Expectation(median=0.85))
        Verdict(holds=True, found='median 0.900', wanted='at least 0.85')
        >>> judge([0.5, 0.6, 0.7, 0.5], Expectation(accuracy=(0.0, 0.65), share=0.95))
        Verdict(holds=False, found='75 % up to 0.65', wanted='at least 95 %')
    """
    if expected.median is not None:
        median = median_of(accuracies)
        return Verdict(
            median >= expected.median, f"median {median:.3f}", f"at least {expected.median:g}"
        )
    assert expected.accuracy is not None
    assert expected.share is not None
    share = share_within(accuracies, expected.accuracy)
    return Verdict(
        share >= expected.share,
        f"{percent(share)} {words(expected.accuracy)}",
        f"at least {percent(expected.share)}",
    )


def words(accuracies: Range) -> str:
    """A range of accuracies in a few words.

    >>> words((0.0, 0.65)), words((0.95, 1.0)), words((0.4, 0.65))
    ('up to 0.65', 'from 0.95', '0.4 to 0.65')
    """
    low, high = accuracies
    if low <= 0:
        return f"up to {high:g}"
    return f"from {low:g}" if high >= 1 else f"{low:g} to {high:g}"


def percent(share: float) -> str:
    """A share of seeds as people say it.

    >>> percent(0.38), percent(1 / 3)
    ('38 %', '33 %')
    """
    return f"{100 * share:.0f} %"
