"""Brings an oracle to the state that a journal describes.

The journal is the truth and Keras Tuner's state follows it: every recorded question and answer is
put to the oracle again, with the recorded values in place of newly drawn ones.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import functools
from collections.abc import Iterable, Iterator
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as kt_trial

from trialstack.tuners.journal import Entry, Journal


@contextlib.contextmanager
def without_bookkeeping(oracle: Any) -> Iterator[None]:
    """Keeps an oracle from what takes it the longer the more trials there are.

    It writes its whole state at every call, which the journal has already; at every end of a trial
    it counts the failures from the first on, for a rule that is off (`TrackedTuner` has its own),
    and looks for the trial among all that run. At 3,000 trials a call would take 10 ms.
    """
    oracle.save = _nothing
    oracle._save_trial = _nothing
    oracle._check_consecutive_failures = _nothing
    oracle.ongoing_trials = collections.OrderedDict(oracle.ongoing_trials)
    try:
        yield
    finally:
        del oracle.save, oracle._save_trial, oracle._check_consecutive_failures
        oracle.ongoing_trials = dict(oracle.ongoing_trials)


def look_at_first(oracle: Any, tuner_id: str) -> None:
    """Moves a trial to where the oracle begins to look for the one that has ended."""
    running = oracle.ongoing_trials
    if isinstance(running, collections.OrderedDict) and tuner_id in running:
        running.move_to_end(tuner_id, last=False)


def _nothing(*_: Any) -> None:
    return None


def space_config(hyperparameters: keras_tuner.HyperParameters, known: int) -> list[dict[str, Any]]:
    """The entries of a search space after the first `known`, as plain data."""
    new = keras_tuner.HyperParameters()
    new._space = hyperparameters.space[known:]
    config: list[dict[str, Any]] = new.get_config()["space"]
    return config


def hyperparameters_of(entry: Entry) -> keras_tuner.HyperParameters:
    """The hyperparameters that an entry holds: its own space and values."""
    # Keras Tuner puts objects into what it reads where there are conditions.
    config = {"space": copy.deepcopy(entry["space"]), "values": entry["values"]}
    return keras_tuner.HyperParameters.from_config(config)


def replay(journal: Journal, oracle: Any) -> None:
    """Puts everything recorded to the oracle, which forgets what it knew before.

    Trials that were asked but came to no end are left in its queue, in their old order.
    """
    _reset(oracle)
    verbose, oracle.verbose = oracle.verbose, 0
    with without_bookkeeping(oracle):
        for entry in journal.of("asked", "finished", "failed"):
            if entry["event"] == "asked":
                _ask_again(oracle, entry)
            else:
                _tell_again(oracle, entry)
    oracle.verbose = verbose
    interrupted = [trial.trial_id for trial in oracle.ongoing_trials.values()]
    oracle.ongoing_trials = {}
    # The queue is taken from its end.
    oracle._retry_queue.extend(sorted(interrupted, key=oracle.start_order.index, reverse=True))


def _reset(oracle: Any) -> None:
    oracle.trials = {}
    oracle.ongoing_trials = {}
    oracle.start_order = []
    oracle.end_order = []
    oracle._run_times = collections.defaultdict(int)
    oracle._retry_queue = []
    oracle._tried_so_far = set()
    oracle._id_to_hash = collections.defaultdict(lambda: None)


def _ask_again(oracle: Any, entry: Entry) -> None:
    trial_id = entry["trial_id"]
    oracle.update_space(hyperparameters_of(entry["oracle"]))
    if trial_id in oracle.trials:
        # Handed out again: a retry, or after an interruption.
        if trial_id in oracle._retry_queue:
            oracle._retry_queue.remove(trial_id)
        trial = oracle.trials[trial_id]
        trial.status = kt_trial.TrialStatus.RUNNING
        oracle.ongoing_trials[trial_id] = trial
    else:
        trial = kt_trial.Trial(hyperparameters_of(entry), trial_id=trial_id)
        oracle._record_values(trial)
        oracle.ongoing_trials[trial_id] = trial
        oracle.trials[trial_id] = trial
        oracle.start_order.append(trial_id)
        oracle.tuner_ids.add(trial_id)
    oracle._seed_state = entry["oracle"]["seed_state"]


def _tell_again(oracle: Any, entry: Entry) -> None:
    trial = oracle.trials[entry["trial_id"]]
    trial.hyperparameters = hyperparameters_of(entry)
    clear_metrics(trial)
    if entry["event"] == "finished":
        metrics = {name: float(value) for name, value in entry["metrics"].items()}
        oracle.update_trial(trial.trial_id, metrics, step=entry["best_epoch"])
    trial.status = entry["status"]
    trial.message = entry.get("traceback") or entry.get("reason")
    look_at_first(oracle, trial.trial_id)
    oracle.end_trial(trial)


def clear_metrics(trial: Any) -> None:
    """Forgets what an earlier attempt reported: its NaN would outlive a healthy retry."""
    from keras_tuner.src.engine import metrics_tracking

    trial.metrics = metrics_tracking.MetricsTracker()


def register_metrics(tracker: Any, names: Iterable[str], objective: Any) -> None:
    """Tells a trial's record of metrics which way each of them is better.

    Keras Tuner would find out by making a Keras metric of every name, for every trial anew.
    """
    directions = getattr(objective, "name_to_direction", {objective.name: objective.direction})
    for name in names:
        if not tracker.exists(name):
            tracker.register(name, directions.get(name) or _direction_of(name))


@functools.cache
def _direction_of(name: str) -> str:
    from keras_tuner.src.engine import metrics_tracking

    return metrics_tracking.infer_metric_direction(name) or "min"
