"""What of a search stands on the disk: its journal, the weights of its best trials, their models.

A later process takes a search up from here, and a finished one is read from here.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import uuid
from pathlib import Path
from typing import Any

import keras_tuner

from trialstack.trials import Objective
from trialstack.tuners.journal import FILE_NAME, Journal
from trialstack.tuners.replay import hyperparameters_of, replay
from trialstack.tuners.weights import BestWeights, put_weights


class StoredTuner(keras_tuner.Tuner):
    """A tuner whose state is a journal, in place of Keras Tuner's files.

    Args:
        *args: As the Keras Tuner class takes them.
        journal: See `trialstack.tuners.base.TrackedTuner`.
        needs_default_build: See there.
        **kwargs: As the Keras Tuner class takes them.
    """

    _replayed = False

    def __init__(
        self, *args: Any, journal: Journal | None, needs_default_build: bool, **kwargs: Any
    ) -> None:
        # Before Keras Tuner's, which reloads and builds the initial space.
        self._journal = journal
        self._needs_default_build = needs_default_build
        super().__init__(*args, **kwargs)

    @property
    def trialstack_objective(self) -> Objective:
        """The objective as plain data."""
        objective = self.oracle.objective
        return Objective(objective.name, objective.direction)

    @property
    def search_seed(self) -> int:
        """Seed of the search; Keras Tuner takes negative ones, NumPy's generators do not."""
        return int(self.oracle.seed) % 2**64

    @property
    def _journal_path(self) -> Path:
        return Path(self.project_dir) / FILE_NAME

    @property
    def journal(self) -> Journal:
        """The search's own record."""
        if self._journal is None:
            self._journal = Journal(self._journal_path)
        return self._journal

    def _open_journal(self) -> None:
        if len(self.journal):
            return
        header = {
            "seed": self.oracle.seed,
            "objective": {
                "name": self.oracle.objective.name,
                "direction": self.oracle.objective.direction,
            },
            "algorithm": type(self).__name__,
        }
        self.journal.open(uuid.uuid4().hex, header)

    def _close_journal(self, reason: str) -> None:
        if self.journal.closed is None:
            self.journal.append("closed", trials=len(self.oracle.trials), reason=reason)

    def _take_up(self) -> None:
        """Brings a new tuner to where an earlier process has left the search, if one has."""
        self._disable_failure_rule()
        if self._replayed:
            return
        if getattr(self, "seed", None) == 0:  # which Keras Tuner takes for "no seed given"
            self.oracle.seed = self.oracle._seed_state = 0
        if self._journal_path.exists():
            self.reload()

    def reload(self) -> None:
        """Takes up an earlier search of this project from its journal."""
        if not self._journal_path.exists():
            super().reload()
            return
        self._replayed = True
        if "seed" in self.journal.header:
            self.oracle.seed = self.journal.header["seed"]
            self.oracle._seed_state = self.oracle.seed
        self._disable_failure_rule()
        replay(self.journal, self.oracle)
        if not any(entry["oracle"]["space"] for entry in self.journal.of("asked")):
            # Keras Tuner leaves this out where it reloads, trusting that a trial was asked.
            self._populate_initial_space()

    def _populate_initial_space(self) -> None:
        """As Keras Tuner's, which builds with default hyperparameters."""
        try:
            super()._populate_initial_space()
        except Exception:
            if self._needs_default_build:
                raise
            space = self.oracle.get_space()
            with contextlib.suppress(Exception):
                self.hypermodel.build(space)
            self.oracle.update_space(space)

    def _disable_failure_rule(self) -> None:
        # Keras Tuner's own raises before the last failure is saved and keeps its lock.
        self.oracle.max_consecutive_failed_trials = sys.maxsize

    @functools.cached_property
    def best_weights(self) -> BestWeights:
        """The weights of the best trials so far; a search that runs adds its own."""
        store = BestWeights(Path(self.project_dir) / "weights", self.trialstack_objective)
        for entry in self.journal.of("finished"):
            store.know(entry["trial_id"], float(entry["metrics"][self.oracle.objective.name]))
        return store

    def load_model(self, trial: Any) -> Any:
        """A trial's model with the weights of its best epoch, in this or in a later process.

        Raises:
            KeyError: The trial is not among the best ten, whose weights are kept.
        """
        if not self.best_weights.path(trial.trial_id).exists():
            checkpoint = Path(self._get_checkpoint_fname(trial.trial_id))
            if checkpoint.exists():  # a stock Keras Tuner project, taken over
                return super().load_model(trial)
        stored = self.best_weights.load(trial.trial_id)
        model = self._try_build(trial.hyperparameters)
        if not model.built and stored.build_config:
            model.build_from_config(stored.build_config)
        put_weights(model, stored.arrays)
        return model

    def best_values(self) -> dict[str, Any]:
        """The best trial's active hyperparameters."""
        return dict(self.oracle.get_best_trials(1)[0].hyperparameters.values)

    def recorded_hyperparameters(self, trial_id: str) -> keras_tuner.HyperParameters:
        """A trial's hyperparameters as the journal has them."""
        entries = [e for e in self.journal.of("asked", "finished") if e["trial_id"] == trial_id]
        return hyperparameters_of(entries[-1])
