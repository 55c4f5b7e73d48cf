"""Lines of very many points: what is left out could not be seen."""

from __future__ import annotations

import numpy as np
import pytest

from trialstack.plots import thinned as module
from trialstack.plots.thinned import thinned


def test_short_lines_are_left_as_they_are() -> None:
    x, y = np.arange(3.0), np.array([1.0, np.nan, 2.0])
    assert thinned(x, y) == (x, y)


def test_each_column_keeps_its_first_and_what_stands_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_POINTS", 4)
    monkeypatch.setattr(module, "COLUMNS", 2)
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    y = np.array([5.0, 9.0, 5.0, 1.0, 5.0, 5.0, 2.0, 3.0])
    # The second column is that of the right-hand border alone.
    few, heights = thinned(x, y)
    assert few.tolist() == [0.0, 1.0, 3.0, 7.0]
    assert heights.tolist() == [5.0, 9.0, 1.0, 3.0]
    back, down = thinned(x[::-1], y[::-1])
    assert (back.tolist(), down.tolist()) == ([7.0, 6.0, 3.0, 1.0, 0.0], [3.0, 2.0, 1.0, 9.0, 5.0])
    flat = y / 1e4
    flat[-1] = 1.0
    assert thinned(x, flat)[0].tolist() == [0.0, 7.0], "nobody sees these heights"


def test_a_line_that_goes_straight_up_is_kept_whole_in_height(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_POINTS", 4)
    x, y = np.zeros(6), np.arange(6.0)
    assert thinned(x, y)[1].tolist() == [0.0, 5.0]
