"""How many trials are under way at a time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trialstack.executors.stacked import memory
from trialstack.executors.stacked.memory import bytes_of, room_for

ROWS, FEATURES = 1000, 10


def plan() -> Any:
    shapes = [(FEATURES, 20), (20, 1)]
    links = [SimpleNamespace(slots=[SimpleNamespace(shape=shape)]) for shape in shapes]
    x = np.zeros((ROWS, FEATURES), np.float32)
    fit = SimpleNamespace(x=x, batch_size=50, validation=None, validation_batch_size=50)
    chain = SimpleNamespace(links=links)
    return SimpleNamespace(chain=chain, fit=fit, outputs=1, size=FEATURES * 20 + 20)


def test_what_a_trial_takes_does_not_grow_with_the_rows() -> None:
    own = plan()
    predictions, activations, weights = 50 * 1 * 8, 50 * (20 + 1) * 6, 220 * 12
    assert bytes_of(own, None) == 4 * (predictions + activations + weights)
    own.fit.x = np.zeros((2 * ROWS, FEATURES), np.float32)
    assert bytes_of(own, None) == bytes_of(plan(), None)


def test_stacks_of_a_large_table_take_no_more_than_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = plan()
    monkeypatch.setattr(memory, "free_memory", lambda: 1 << 40)
    assert room_for(own, None) == memory.MOST
    monkeypatch.setattr(memory, "MOST_COPIED", own.fit.x.size - 1)
    assert room_for(own, None) == own.fit.x.nbytes // bytes_of(own, None) == 1
    monkeypatch.setattr(memory, "free_memory", lambda: 0)
    assert room_for(own, None) == 1, "one at least"
