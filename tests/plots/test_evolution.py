"""At which epochs a model is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from trialstack.plots.evolution import MOST_PICTURES, Evolution, picture_interval
from trialstack.plots.painter import TILE_RESOLUTION
from trialstack.plots.plane import plane_of

X = np.array([[0.0, 0.0], [1.0, 1.0]])


def drawn_epochs(epochs: int, every: int | None = None) -> list[int]:
    evolution = Evolution.on(plane_of(X), X, [0, 1], ["no", "yes"], every)
    return [trained for trained in range(epochs + 1) if evolution.is_due(trained, epochs)]


def test_epochs_of_the_tutorials_trainings() -> None:
    assert drawn_epochs(20) == list(range(21))
    assert drawn_epochs(25) == list(range(26))
    assert drawn_epochs(50) == list(range(0, 51, 2))
    assert drawn_epochs(100) == list(range(0, 101, 5))
    assert drawn_epochs(205) == list(range(0, 201, 10))
    assert drawn_epochs(100, every=40) == [0, 40, 80]


@pytest.mark.parametrize("epochs", [1, 24, 26, 51, 99, 126, 251, 999, 12_345])
def test_never_too_many_and_never_needlessly_few(epochs: int) -> None:
    pictures = epochs // picture_interval(epochs)
    assert pictures <= MOST_PICTURES
    assert epochs < 10 or pictures >= 10


def test_trainings_of_different_lengths_have_steps_in_common() -> None:
    shared = set(drawn_epochs(25)) & set(drawn_epochs(50)) & set(drawn_epochs(100))
    assert shared == {0, 10, 20}


def test_a_coarse_grid_of_the_same_plane_is_evaluated() -> None:
    plane = plane_of(X)
    coarse = Evolution.on(plane, X, [0, 1], ["no", "yes"]).painter.plane
    assert coarse.resolution == TILE_RESOLUTION
    assert (coarse.xs[0], coarse.xs[-1]) == (plane.xs[0], plane.xs[-1])
