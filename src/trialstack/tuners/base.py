"""The loop that all tuners share: ask the oracle, run, write it down, tell the oracle.

`TrackedTuner` goes before a Keras Tuner class among the bases of ours::

    class RandomSearch(TrackedTuner, keras_tuner.RandomSearch): ...

and replaces its loop (here, with `Asking` and `Telling`), its training (`TrainingTuner`), its
checkpoints and its state files (`StoredTuner`); what a user may override (`run_trial`,
`_build_and_fit_model`, the `on_*` hooks, `HyperModel.fit`) is called as Keras Tuner calls it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_tuner.src.distribute import utils as kt_distribute

from trialstack.errors import AllTrialsFailedError
from trialstack.executors.base import Executor
from trialstack.executors.deferred import many_builds
from trialstack.executors.table import make_executor
from trialstack.tuners.asking import TIME_LIMIT, Asking
from trialstack.tuners.collecting import collecting_apart
from trialstack.tuners.deaths import LEFT, under_way
from trialstack.tuners.job import SearchJob
from trialstack.tuners.journal import Journal
from trialstack.tuners.lock import locked
from trialstack.tuners.replay import without_bookkeeping
from trialstack.tuners.report import ExecutionReport
from trialstack.tuners.suspects import Suspects
from trialstack.tuners.telling import Telling
from trialstack.tuners.tracked import DEFAULT_TRACKING, tracked_search
from trialstack.tuners.training import TrainingTuner


class TrackedTuner(TrainingTuner):
    """A Keras Tuner search whose trials are MLflow runs and whose journal survives a crash.

    Args:
        *args: As the Keras Tuner class takes them.
        executor: `"auto"`, `"one-by-one"`, or an `Executor`.
        tracking: Where runs go: an MLflow tracking URI, a `Tracker`, None for nowhere; by default
            MLflow at `MLFLOW_TRACKING_URI` or the embedded store, in the experiment
            `project_name`.
        journal: The search's record, where somebody else writes to it too; by default one of this
            tuner's own in the project's folder.
        max_consecutive_failed_trials: Ends the search with a RuntimeError after so many failures
            in a row. Unlike Keras Tuner's, the default is to go on.
        needs_default_build: Whether an error of building with the default hyperparameters, from
            which Keras Tuner learns the search space, is raised as there. If not, the space is what
            was named before the error, and trials add to it.
        **kwargs: As the Keras Tuner class takes them.
    """

    def __init__(
        self,
        *args: Any,
        executor: str | Executor = "auto",
        tracking: Any = DEFAULT_TRACKING,
        journal: Journal | None = None,
        needs_default_build: bool = True,
        **kwargs: Any,
    ) -> None:
        self.executor = make_executor(executor)
        self.tracking = tracking
        self.execution_report = ExecutionReport()
        self.deadline: float | None = None
        self.apart_command: Sequence[str] | None = None  # starts a child, see `Apart`
        self.seconds = 0.0
        self._max_consecutive_failures = kwargs.pop("max_consecutive_failed_trials", None)
        super().__init__(*args, journal=journal, needs_default_build=needs_default_build, **kwargs)
        if self.hypermodel is None and not self._overrides("run_trial"):
            raise ValueError(
                "Received `hypermodel=None`. Give a hypermodel, or override `run_trial()`"
            )
        self._take_up()

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Runs the search, or goes on with it.

        Args:
            *fit_args: As `keras.Model.fit` takes them.
            **fit_kwargs: As `keras.Model.fit` takes them.

        Raises:
            AllTrialsFailedError: No trial came to a score.
            SearchHeldError: Another process is running this search.
            trialstack.errors.Interrupted: A signal asked to stop; the journal holds what is done.
        """
        if kt_distribute.has_chief_oracle():
            # Keras Tuner's own distribution: its chief and workers know nothing of a journal.
            super().search(*fit_args, **fit_kwargs)
            return
        if "verbose" in fit_kwargs:
            self.oracle.verbose = fit_kwargs["verbose"]
        with locked(Path(self.project_dir), f"project {self.project_name!r}"):
            self._search(fit_args, fit_kwargs)

    def _search(self, fit_args: tuple[Any, ...], fit_kwargs: dict[str, Any]) -> None:
        self._open_journal()
        weights = self.best_weights
        with tracked_search(self, fit_args, fit_kwargs) as run:
            self._job = job = SearchJob(self, fit_args, fit_kwargs, run.probe)
            suspects = Suspects(self, job)
            asking = Asking(self, job, suspects)
            telling = Telling(self, job, asking, run, weights, self._max_consecutive_failures)
            started, begun = time.monotonic(), len(self.journal)
            executor = suspects.executor(self.executor)
            try:
                with (
                    suspects,
                    without_bookkeeping(self.oracle),
                    collecting_apart(),
                    self._many_builds(),
                ):
                    self.on_search_begin()
                    self.execution_report.reasons = executor.reasons
                    executor.run(asking.trials(), job, telling.tell)
                    dropped = bool(self.oracle.ongoing_trials)
                    self._close_journal(TIME_LIMIT if dropped else asking.ended_by)
                    self.on_search_end()
            except BaseException:
                self._leave(begun)
                raise
            finally:
                self.seconds = time.monotonic() - started
                self._job = None
                self.save()
            self._check_any_completed()

    def _leave(self, begun: int) -> None:
        """Says goodbye in the journal: what was under way has not killed this process.

        Args:
            begun: How many entries there were when this process began.
        """
        with contextlib.suppress(OSError):  # of a full disk, which it may be that ends the search
            trials = under_way(self.journal.entries[begun:])
            self.journal.append("stage", name=LEFT, data={"trials": trials})

    def time_is_up(self) -> bool:
        """Whether the moment has passed after which no further trial is begun."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def _many_builds(self) -> contextlib.AbstractContextManager[None]:
        return many_builds() if self.executor.describes else contextlib.nullcontext()

    def save(self) -> None:
        """As Keras Tuner's; while a search runs, its journal has everything already."""
        if self._job is None:
            super().save()

    def _check_any_completed(self) -> None:
        failed = next(self.journal.of("failed"), None)
        if failed and not next(self.journal.of("finished"), None):
            count = len(self.oracle.trials)
            what = f"all {count} trials failed; the first" if count > 1 else "the only trial failed"
            mend = "mend that, then begin anew with --fresh (in a script: overwrite=True)"
            raise AllTrialsFailedError(f"{what}: {failed['reason']}; {mend}")
