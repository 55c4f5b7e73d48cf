"""How much training is still to come, when trials may stop early."""

from __future__ import annotations

from collections.abc import Sequence


def epochs_left(ended: Sequence[int], running: Sequence[int], waiting: int, most: int) -> float:
    """Expected number of epochs that are still to be trained.

    A trial is taken to stop early with the same chance after every epoch. Trials under way count in
    the estimate of that chance for as long as they have lasted: the mean of those that have ended
    would be too low, since short ones end first.

    Args:
        ended: Epochs of each trial that has ended.
        running: Epochs so far of each trial under way.
        waiting: Trials not begun.
        most: Epochs after which every trial ends.

    Reference:
        Maximum likelihood for geometric lifetimes with censoring: stops per epoch observed, as for
        exponential ones in Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data
        (2002), section 3.4.

    Example:
        >>> epochs_left(ended=[], running=[10, 10], waiting=1, most=50)  # no trial has stopped
        130.0
        >>> round(epochs_left(ended=[10, 10], running=[20], waiting=0, most=50), 2)  # 1 in 20 stops
        15.71
    """
    seen = sum(ended) + sum(running)
    stops = sum(epochs < most for epochs in ended)
    chance = stops / seen if seen else 0.0

    def expected(epochs: int) -> float:
        epochs = max(epochs, 0)
        return (1 - (1 - chance) ** epochs) / chance if chance else float(epochs)

    return sum(expected(most - epochs) for epochs in running) + waiting * expected(most)
