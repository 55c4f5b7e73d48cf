"""What of a search stands on the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from trialstack.tuners.journal import Journal


def test_the_journal_is_not_read_through_for_every_model(
    tuner_of: Callable[..., Any], eager: Any, fit: dict[str, Any], X: Any, y: Any
) -> None:
    tuner_of(eager, trials=2).search(X, y, **fit)
    later = tuner_of(eager, trials=2)
    read: list[tuple[str, ...]] = []

    class Counted(Journal):
        def of(self, *events: str) -> Iterator[Any]:
            read.append(events)
            return super().of(*events)

    later._journal = Counted(later.journal.path)
    assert len(later.get_best_models(2)) == 2
    assert read == [("finished",)]


def test_weights_of_a_search_that_goes_on_are_known_at_once(
    tuner_of: Callable[..., Any], eager: Any, fit: dict[str, Any], X: Any, y: Any
) -> None:
    tuner = tuner_of(eager, trials=1)
    tuner.search(X, y, **fit)
    assert len(tuner.get_best_models(1)) == 1
    tuner.oracle.max_trials = 3
    tuner.search(X, y, **fit)
    assert len(tuner.get_best_models(3)) == 3
