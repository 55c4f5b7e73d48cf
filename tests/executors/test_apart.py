from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

import pytest

from trialstack.executors.apart import ApartExecutor
from trialstack.executors.base import Tell
from trialstack.trials import Event, Finished, Started, TrialSpec


def finished(trial_id: str) -> Finished:
    return Finished(trial_id, 0.0, {}, {"val_auc": 0.5}, 0)


class Gathering:
    """Takes all that it can get before it trains the first, as stacks do."""

    name = "gathering"
    describes = True

    def __init__(self) -> None:
        self.reasons: collections.Counter[str] = collections.Counter()

    def run(self, trials: Iterator[TrialSpec | None], job: Any, tell: Tell) -> None:
        exhausted = False
        while not exhausted:
            taken = []
            while True:
                try:
                    spec = next(trials)
                except StopIteration:
                    exhausted = True
                    break
                if spec is None:
                    break
                taken.append(spec)
            if not (taken or exhausted):
                raise RuntimeError("the search waits for results, but no trial is running")
            for spec in taken:
                tell(Started(spec.trial_id, 0.0))
                tell(finished(spec.trial_id))


@pytest.mark.parametrize(
    ("last", "expected"), [(False, "apart 1, apart 3, 0, 2"), (True, "0, 2, apart 1, apart 3")]
)
def test_some_are_trained_apart(last: bool, expected: str) -> None:
    order: list[str] = []

    def tell(event: Event) -> None:
        if isinstance(event, Started):
            order.append(event.trial_id)

    def train(spec: TrialSpec, tell: Tell) -> None:
        tell(Started(f"apart {spec.trial_id}", 0.0))

    others = Gathering()
    executor = ApartExecutor(others, {"1", "3"}, train, last=last, reason="it killed")
    specs = iter([TrialSpec(str(n), n, {}, (0, n)) for n in range(4)])
    executor.run(specs, None, tell)  # type: ignore[arg-type] # nobody asks the job
    assert ", ".join(order) == expected
    assert others.reasons == {"it killed": 2}


@pytest.mark.parametrize("last", [False, True])
def test_an_adaptive_search_waits_for_no_one(last: bool) -> None:
    """Each trial is asked after the one before it has ended."""
    ended: list[str] = []

    def trials() -> Iterator[TrialSpec | None]:
        for number in range(4):
            yield TrialSpec(str(number), number, {}, (0, number))
            while str(number) not in ended:
                yield None

    def tell(event: Event) -> None:
        if isinstance(event, Finished):
            ended.append(event.trial_id)

    def train(spec: TrialSpec, tell: Tell) -> None:
        tell(finished(spec.trial_id))

    executor = ApartExecutor(Gathering(), {"1", "2"}, train, last=last, reason="it killed")
    executor.run(trials(), None, tell)  # type: ignore[arg-type]
    assert ended == ["0", "1", "2", "3"]
