"""Any interleaving of trials, cut at any byte, and taken up again, comes to the same table."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import keras_tuner
import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import trialstack
from trialstack.executors.base import Tell
from trialstack.trials import EpochBlock, Failed, Finished, Started, TrialSpec
from trialstack.tuners.journal import FILE_NAME, Journal

TRIALS = 5
AT_ONCE = 3
FAILING = {1: 1, 3: 2}
"""Number of a trial -> how many of its two attempts fail."""

FEW = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # what fails is a search, and small already
)


def score_of(values: Mapping[str, Any]) -> float:
    return float(values["units"]) + float(values["rate"])


def story(spec: TrialSpec) -> list[Any]:
    """What happens to a trial; it depends on the trial alone."""
    now = time.time()
    score = score_of(spec.hyperparameters)
    rows = [{"loss": 1.0, "val_score": score / 2}, {"loss": 0.5, "val_score": score}]
    epochs = [EpochBlock(spec.trial_id, n, [row], [now]) for n, row in enumerate(rows)]
    history = {name: [row[name] for row in rows] for name in rows[0]}
    if spec.attempt < FAILING.get(spec.number, 0):
        end: Any = Failed(spec.trial_id, now, "ValueError: no", history={}, traceback="")
    else:
        end = Finished(spec.trial_id, now, history, {"val_score": score}, 1, weights=[np.ones(2)])
    return [Started(spec.trial_id, now), *epochs, end]


class Shuffled:
    """Trains several trials at once; chance decides which of them has its next event.

    Args:
        chance: Decides.
        events: Ctrl-C comes after so many.
    """

    name = "shuffled"
    describes = False

    def __init__(self, chance: Random, events: int) -> None:
        self.reasons: Counter[str] = Counter()
        self.chance = chance
        self.left = events

    def run(self, trials: Iterator[TrialSpec | None], _: Any, tell: Tell) -> None:
        running: list[list[Any]] = []
        more = True
        while more or running:
            if more and len(running) < AT_ONCE and (not running or self.chance.random() < 0.4):
                spec = next(trials, "none")
                more = spec != "none"
                if isinstance(spec, TrialSpec):
                    running.append(story(spec))
                continue
            chosen = self.chance.choice(running)
            tell(chosen.pop(0))
            running = [events for events in running if events]
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt


class Played(trialstack.RandomSearch):
    """Nothing is built and nothing is trained."""

    def run_trial(self, trial: Any, *_: Any, **__: Any) -> dict[str, float]:
        """Called for trials alone that have died with the search again and again."""
        if self.oracle._run_times[trial.trial_id] < FAILING.get(int(trial.trial_id), 0):
            raise ValueError("no")
        return {"val_score": score_of(trial.hyperparameters.values)}


def play(folder: Path, seed: int, events: int = -1) -> dict[str, Any]:
    """Takes the search up, or begins it; the table of its trials afterwards."""
    space = keras_tuner.HyperParameters()
    space.Int("units", 1, 99)
    space.Float("rate", 0.0, 1.0)
    tuner = Played(
        None,
        keras_tuner.Objective("val_score", "max"),
        max_trials=TRIALS,
        max_retries_per_trial=1,
        hyperparameters=space,
        seed=1,
        executor=Shuffled(Random(seed), events),
        tracking=None,
        directory=str(folder),
        project_name="played",
    )
    # Collecting all the garbage of TensorFlow would take more time than all else.
    with mock.patch("trialstack.tuners.base.collecting_apart", contextlib.nullcontext):
        try:
            tuner.search(verbose=0)
        except KeyboardInterrupt:
            assert events > 0
    return {
        trial_id: (trial.status, trial.hyperparameters.values, trial.score)
        for trial_id, trial in tuner.oracle.trials.items()
    }


@FEW
@given(
    seeds=st.lists(st.integers(0, 10**6), min_size=2, max_size=4),
    events=st.integers(1, 30),
    share=st.floats(0, 1),
)
def test_the_table_is_the_same(seeds: list[int], events: int, share: float) -> None:
    with TemporaryDirectory() as name:
        expected = play(Path(name, "whole"), 0)
        assert Counter(status for status, _, _ in expected.values()) == {
            "COMPLETED": TRIALS - 1,
            "FAILED": 1,
        }
        folder = Path(name, "cut")
        file = folder / "played" / FILE_NAME
        *interrupted, last = seeds
        for seed in interrupted:
            play(folder, seed, events)
            content = file.read_bytes()
            file.write_bytes(content[: int(share * len(content))])
            lines = file.read_bytes().count(b"\n")
            assert len(Journal(file)) == lines
        assert play(folder, last) == expected
        ended = [entry["trial_id"] for entry in Journal(file).of("finished")]
        assert sorted(ended) == sorted(key for key, row in expected.items() if row[2] is not None)
