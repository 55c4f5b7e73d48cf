"""Fixed models trained from many seeds, as stacks, to tell their lessons from luck."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.evaluation.lessons import SeedStudy
from trialstack.executors.table import AUTO, make_executor
from trialstack.pipeline.fixed_models import FixedModel
from trialstack.pipeline.stacks import LAST_EPOCH, DescribedJob
from trialstack.signals import stop_if_interrupted
from trialstack.trials import Event, Failed, Finished, TrialSpec

AT_ONCE = 2
"""Models in training at a time: each has one whole stack, and one waits for no other."""


def study_seeds(
    models: Sequence[FixedModel],
    seeds: int,
    X: NDArray[np.float32],
    on_done: Callable[[FixedModel, SeedStudy], None],
) -> dict[str, SeedStudy]:
    """Trains each model from the seeds 0, 1, ..., each model's trainings as one stack.

    Training a model with `pipeline.fits.fit` from one of these seeds gives the same numbers.

    Args:
        models: With their learning rates.
        seeds: Trainings a model.
        X: All rows of the data set.
        on_done: Told when a model is through.

    Returns:
        Name of a model -> what came of it.
    """
    from trialstack.executors.deferred import many_builds

    by_name = {model.name: model for model in models}
    job = DescribedJob(
        build=lambda spec: by_name[model_of(spec.trial_id)].build(),
        fit_arguments=lambda spec: _fit_arguments(by_name[model_of(spec.trial_id)]),
        order_seed=models[0].order_seed,
        objective=LAST_EPOCH,
        probe=X,
    )
    study = _Study(models, seeds, on_done)
    with many_builds():
        make_executor(AUTO).run(study.trials(), job, study.tell)
    return study.results


def _fit_arguments(model: FixedModel) -> dict[str, Any]:
    return {
        "x": model.train.X,
        "y": model.targets,
        "epochs": model.epochs,
        "batch_size": model.settings.batch_size,
    }


def model_of(trial_id: str) -> str:
    """Name of the model that a training of a study is of.

    >>> model_of("model_07/12")
    'model_07'
    """
    return trial_id.rpartition("/")[0]


def loss_and_accuracy(model: FixedModel, outputs: NDArray[np.float32]) -> tuple[float, float]:
    """Cross-entropy and accuracy on the rows that a model is judged by.

    Args:
        model: The model.
        outputs: Its output on those rows, shape `(rows, outputs)`.
    """
    from sklearn.metrics import log_loss

    probabilities, y = model.probabilities(outputs), model.judged_rows.y
    loss = log_loss(y, probabilities, labels=np.arange(model.n_classes))
    return float(loss), float(np.mean(probabilities.argmax(axis=1) == y))


class _Study:
    """Hands out the trainings, and takes what comes of them."""

    def __init__(
        self,
        models: Sequence[FixedModel],
        seeds: int,
        on_done: Callable[[FixedModel, SeedStudy], None],
    ) -> None:
        self.results: dict[str, SeedStudy] = {}
        self._models = {model.name: model for model in models}
        self._seeds = seeds
        self._on_done = on_done
        self._left: Counter[str] = Counter()  # trainings of models that are handed out
        self._scores = {name: np.full((seeds, 2), math.nan) for name in self._models}

    def trials(self) -> Iterator[TrialSpec | None]:
        """A model's trainings one after the other; None while enough models are in training."""
        for name, model in self._models.items():
            while len(self._left) >= AT_ONCE:
                yield None
            self._left[name] = self._seeds
            for seed in range(self._seeds):
                stop_if_interrupted()
                yield model.spec(seed)

    def tell(self, event: Event) -> None:
        """Takes an event; a training that failed has no score."""
        if not isinstance(event, Finished | Failed):
            return
        name = model_of(event.trial_id)
        model, seed = self._models[name], int(event.trial_id.rpartition("/")[2])
        if isinstance(event, Finished) and event.probe is not None:
            outputs = event.probe[model.judged]
            if np.isfinite(outputs).all():
                self._scores[name][seed] = loss_and_accuracy(model, outputs)
        self._left[name] -= 1
        if self._left[name] == 0:
            del self._left[name]
            losses, accuracies = self._scores[name].T
            self.results[name] = SeedStudy(losses, accuracies)
            self._on_done(model, self.results[name])
