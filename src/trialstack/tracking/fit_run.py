"""The run of one `model.fit`, which `MLflowCallback` writes."""

from __future__ import annotations

import time
import uuid
import warnings
from collections.abc import Mapping
from typing import Any

from trialstack.hypermodels.summary import model_summary
from trialstack.tracking.base import NewRun, Status
from trialstack.tracking.fit_boundary import FitBoundary
from trialstack.tracking.mlflow import MlflowTracker
from trialstack.tracking.store import resolve_store

KEY = "model"


class FitRun:
    """The run of one `fit`: what a callback must not hold, so that it can be copied.

    Args:
        settings: The arguments of `MLflowCallback`.
        model: What is fitted.
    """

    def __init__(self, settings: Mapping[str, Any], model: Any) -> None:
        self.tracker = MlflowTracker(
            resolve_store(settings["tracking_uri"]),
            settings["experiment_name"] or "models",
            search_id=uuid.uuid4().hex,
        )
        self._open = settings["run_id"] is None
        self._closed = False
        self._described = False
        self._history: dict[str, list[float]] = {}
        self._name = settings["run_name"] or model.name
        self._settings = settings
        self._boundary: FitBoundary | None = None
        if self._open:
            self.tracker.start_run(NewRun(KEY, "model", self._name, time.time()))
        else:
            self.tracker.attach_run(KEY, settings["run_id"])

    def describe(self, model: Any) -> None:
        """Writes what is known of a model once it has weights."""
        if self._described or not model.built:
            return
        self._described = True
        self.tracker.log_file(KEY, "summary.txt", model_summary(model).encode())
        self.tracker.log_params(KEY, {"weights": str(model.count_params())})

    def begin_epoch(self, model: Any, epoch: int, epochs: int) -> None:
        """Before an epoch: a look at the model, if rows were given.

        Raises:
            DataError: They are not what the model is for.
        """
        if self._settings["boundary"] is None:
            return
        if self._boundary is None:
            self._boundary = FitBoundary(
                self.tracker, KEY, self._settings, model, epochs, self._name
            )
        if self._boundary.recorder is not None:
            self._boundary.recorder.on_epoch_begin(epoch)

    def end_epoch(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Writes an epoch; a loss that is NaN is written as such."""
        row = {name: float(value) for name, value in logs.items()}
        for name, value in row.items():
            self._history.setdefault(name, []).append(value)
        self.tracker.log_epochs(KEY, epoch, [row], [time.time()])
        if self._boundary is not None and self._boundary.recorder is not None:
            self._boundary.recorder.on_epoch_end(epoch)

    def draw(self, model: Any) -> None:
        """After the last epoch: learning curves, unless there was no epoch, and boundary."""
        from trialstack.plots.curves import learning_curves
        from trialstack.plots.style import figure_png

        if self._history:
            picture = figure_png(learning_curves(self._history))
            self.tracker.log_file(KEY, "plots/learning_curves.png", picture)
        if self._boundary is not None:
            self._boundary.finish(model)

    def fail(self, error: Exception) -> None:
        """Ends the run as FAILED."""
        if self._open:
            self.tracker.set_tags(KEY, {"trialstack.error": f"{type(error).__name__}: {error}"})
        self.end("FAILED")

    def end(self, status: Status) -> None:
        """Ends the run, if it is the callback's own."""
        if self._open:
            self.tracker.end_run(KEY, status, time.time())
            self._open = False

    def close(self) -> None:
        """Waits until everything is written, and warns of what could not be."""
        if self._closed:
            return
        self._closed = True
        self.tracker.close()
        for problem in self.tracker.problems:
            warnings.warn(f"tracking: {problem}", stacklevel=4)


def params_of(
    model: Any, of_fit: Mapping[str, Any], more: Mapping[str, Any] | None
) -> dict[str, str]:
    """What is known of a fit before it begins, as params of its run.

    Args:
        model: Compiled.
        of_fit: What Keras tells its callbacks.
        more: What the user adds.
    """
    params = {"epochs": of_fit.get("epochs"), "steps_per_epoch": of_fit.get("steps")}
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        # Not its name, which counts: the sixth Adam of a session is "adam_5".
        params["optimizer"] = type(optimizer).__name__.lower()
        config = optimizer.get_config()["learning_rate"]
        if isinstance(config, dict):  # a schedule
            params["learning_rate"] = config["class_name"]
        else:
            params["learning_rate"] = f"{float(config):.4g}"
    params.update(more or {})
    return {name: str(value) for name, value in params.items() if value is not None}
