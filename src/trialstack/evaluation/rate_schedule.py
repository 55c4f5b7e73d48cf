"""A learning rate that grows with every epoch."""

from __future__ import annotations

import math
from dataclasses import InitVar, dataclass

import numpy as np
from numpy.typing import NDArray

from trialstack.errors import InputError

LOWEST_RATE, HIGHEST_RATE = 1e-12, 1e6
"""What may be swept; Keras' float32 holds all of it."""
FEWEST_EPOCHS = 10
LEAST_RATIO = 10.0
"""Of the last to the first rate: the rule looks at a tenth of the rate with the lowest loss."""


@dataclass(frozen=True)
class RateSchedule:
    """A learning rate that grows by the same factor with every epoch.

    In epoch `e`, from 0, it is `start * (stop / start) ** (e / epochs)`; the defaults make that
    `1e-4 * 10 ** (e / 20)`. As in `range`, `stop` itself is not reached.

    Args:
        start: Learning rate of the first epoch.
        stop: Where the epoch after the last would be.
        epochs: How many there are.
        names: What a person calls these three, for error lines.

    Raises:
        InputError: A rate is not from 1e-12 to 1e6, `stop` is less than ten times `start`, or
            there are fewer than ten epochs.

    Example:
        >>> schedule = RateSchedule()
        >>> [float(f"{schedule.rate(epoch):.4g}") for epoch in (0, 20, 50, 99)]
        [0.0001, 0.001, 0.03162, 8.913]
    """

    start: float = 1e-4
    stop: float = 10.0
    epochs: int = 100
    names: InitVar[tuple[str, str, str]] = ("start", "stop", "epochs")

    def __post_init__(self, names: tuple[str, str, str]) -> None:
        for name, rate in zip(names, (self.start, self.stop), strict=False):
            if not LOWEST_RATE <= rate <= HIGHEST_RATE:  # nor NaN
                raise InputError(
                    f"{name}: {rate:g} came; give a learning rate from {LOWEST_RATE:g} to "
                    f"{HIGHEST_RATE:g}"
                )
        if self.stop < LEAST_RATIO * self.start:
            raise InputError(
                f"{names[1]}: {self.stop:g} came; give at least {LEAST_RATIO * self.start:g}, "
                f"ten times {names[0]}"
            )
        if self.epochs < FEWEST_EPOCHS:
            raise InputError(
                f"{names[2]}: {self.epochs} came; give an integer from {FEWEST_EPOCHS}"
            )

    def describe(self) -> str:
        """From where to where it goes, and how long.

        >>> RateSchedule().describe()
        '0.0001 towards 10 in 100 epochs'
        """
        return f"{self.start:g} towards {self.stop:g} in {self.epochs} epochs"

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, from 0."""
        return float(self.start * (self.stop / self.start) ** (epoch / self.epochs))

    @property
    def rates(self) -> NDArray[np.float64]:
        """The learning rate of every epoch, shape `(epochs,)`."""
        return np.array([self.rate(epoch) for epoch in range(self.epochs)])

    @property
    def epochs_a_decade(self) -> float:
        """Epochs in which the learning rate grows tenfold."""
        return self.epochs / math.log10(self.stop / self.start)
