"""What an executor is: something that trains the trials it is given and tells what happens.

The choice of executor changes the time a search takes, never its numbers. Whatever could differ
is therefore fixed outside the executors: a trial's seed (`TrialSpec.seed_for_keras`), the order
of rows in an epoch (`trialstack.executors.batch_order`), what is trained (`TrainingJob`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trialstack.trials import Event, Failed, Finished, Objective, TrialSpec

Tell = Callable[[Event], None]
"""Takes an event at the moment it happens. Called from the thread that called `Executor.run`."""


class TrainingJob(Protocol):
    """What all trials of a search have in common, and how to train one of them."""

    @property
    def objective(self) -> Objective:
        """What the best epoch is chosen by."""

    @property
    def search_seed(self) -> int:
        """Seed of the search: with the epoch it gives the order of rows."""

    @property
    def executions(self) -> int:
        """Trainings a trial, from different initial weights."""

    @property
    def fit_args(self) -> Sequence[Any]:
        """Positional arguments of `search`, handed on to `model.fit`."""

    @property
    def fit_kwargs(self) -> Mapping[str, Any]:
        """Keyword arguments of `search`, handed on to `model.fit`."""

    @property
    def probe(self) -> NDArray[np.float32] | None:
        """Points at which every finished model is evaluated, shape `(points, features)`."""

    def build(self, spec: TrialSpec) -> Any:
        """A new compiled Keras model with the initial weights of the trial's own seed."""

    def described(self, spec: TrialSpec) -> tuple[Any, Mapping[str, Any]]:
        """A trial's model to look at, not to train, and the arguments its `fit` would be given.

        Raises:
            Exception: Building it failed, or its training is more than a call of `model.fit`; then
                only `train` can do it.
        """

    def out_of_time(self) -> bool:
        """Whether no further trial is to be begun: those that wait are dropped without a word.

        Trials under way are trained to their end.
        """

    def train(self, spec: TrialSpec, tell: Tell) -> Finished:
        """Trains one trial with `model.fit`, telling epochs as they end.

        Raises:
            Exception: Whatever the user's code raises; the executor takes it to `failure`.
        """

    def failure(self, spec: TrialSpec, error: Exception) -> Failed:
        """The event that tells of a trial that raised `error`.

        Raises:
            Exception: `error` itself, when it is not the trial but the search that is wrong.
        """


class Executor(Protocol):
    """Trains trials.

    `trials` yields a `TrialSpec`, or None when there is none to be had before a running one has
    been told (an adaptive algorithm waits for results). An executor asks for the next trial only
    when it has room for it, and leaves the iterator alone otherwise.

    For every trial taken, `tell` receives exactly one `Started`, any number of `EpochBlock`, and
    exactly one `Finished` or `Failed`, in this order; events of different trials may interleave.
    A trial that raises is told as `Failed` and changes no other trial's numbers.
    """

    name: str
    describes: bool
    """Whether it looks at trials (`TrainingJob.described`) before it trains them."""
    reasons: Counter[str]
    """Why trials were not stacked -> how many, over all calls of `run`."""

    @property
    def epochs_passed(self) -> float | None:
        """Epochs that the trials under way have made on average, parts of one included.

        It may be read in any thread. None = it is not known.
        """

    def run(self, trials: Iterator[TrialSpec | None], job: TrainingJob, tell: Tell) -> None:
        """Trains until `trials` is exhausted.

        Raises:
            trialstack.errors.Interrupted: A signal asked to stop; trials under way are dropped.
        """
