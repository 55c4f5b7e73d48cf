"""The callback that makes a plain `model.fit` an MLflow run."""

from __future__ import annotations

import time
import uuid
import warnings
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.errors import InputError
from trialstack.plots.boundary import BoundaryPainter, n_classes_of, plane_of
from trialstack.tracking.base import NewRun, Status
from trialstack.tracking.mlflow import MlflowTracker
from trialstack.tracking.store import resolve_store

_KEY = "model"
_POINTS_A_CALL = 4096


class MLflowCallback(keras.callbacks.Callback):
    """Writes one `fit` into one MLflow run.

    The run gets every epoch's metrics of training and validation rows while training goes on, the
    optimizer, learning rate, epochs and number of weights as params, `summary.txt`,
    `learning_curves.png`, and the decision boundary in its image grid. MLflow's global active run
    is neither used nor changed.

    Keras does not tell callbacks that training raised. Used as a context manager the run is then
    FAILED with the error as tag; without, it is KILLED as soon as the callback is used again,
    `close` is called, the callback is garbage, or Python ends.

    Args:
        run_id: A run that is there already. It is written into, but neither opened nor ended.
        boundary: Rows `(X, y)` to draw, `X` of shape `(rows, features)` as the model takes them,
            `y` class indices of shape `(rows,)` or one-hot.
        boundary_every: A picture at epochs 0, k, 2k, ... as well as at the end; 0 for none.
        tracking_uri: See `trialstack.tracking.store.resolve_store`.
        experiment_name: Where its own run goes.
        run_name: Name of its own run; the model's name by default.
        params: More params, such as `{"batch_size": 32}`, which Keras tells no callback.

    Raises:
        InputError: `boundary` is no pair, or the store cannot be used (when training begins).

    Example:
        ```python
        with MLflowCallback(boundary=(X, y)) as tracking:
            model.fit(X, y, epochs=50, callbacks=[tracking])
        print(tracking.run_id)
        ```
    """

    def __init__(
        self,
        run_id: str | None = None,
        boundary: tuple[ArrayLike, ArrayLike] | None = None,
        boundary_every: int = 0,
        tracking_uri: str | None = None,
        experiment_name: str | None = None,
        run_name: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if boundary is not None and len(boundary) != 2:
            raise InputError(f"boundary: {len(boundary)} parts came; give the pair (X, y)")
        self._settings: dict[str, Any] = {
            "run_id": run_id,
            "boundary": boundary,
            "boundary_every": boundary_every,
            "tracking_uri": tracking_uri,
            "experiment_name": experiment_name,
            "run_name": run_name,
            "params": params,
        }
        self.run_id = run_id
        self._run: _Run | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> MLflowCallback:
        """A callback with the same settings and a run of its own (Keras Tuner copies them)."""
        return type(self)(**self._settings)

    def __enter__(self) -> MLflowCallback:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._run is not None and isinstance(error, Exception):
            self._run.fail(error)
        self.close()

    def close(self) -> None:
        """Ends a run that is still open as KILLED."""
        if self._run is not None:
            self._run.close()
            self._run = None

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Opens the run."""
        self.close()
        self._run = run = _Run(self._settings, self.model)
        weakref.finalize(self, run.close)
        self.run_id = run.tracker.run_id(_KEY)
        run.tracker.log_params(_KEY, _params_of(self.model, self.params, self._settings["params"]))
        run.describe(self.model)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Writes the epoch's metrics, and a picture when one is due."""
        if self._run is None:
            return
        self._run.log_epoch(epoch, logs or {})
        every = self._settings["boundary_every"]
        if every and epoch % every == 0:
            self._run.paint(self.model, "boundary", epoch)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Writes curves and boundary, and ends the run as FINISHED."""
        if self._run is None:
            return
        self._run.describe(self.model)
        self._run.draw_curves()
        self._run.paint(self.model, "boundary_final", 0)
        self._run.end("FINISHED")
        self.close()


class _Run:
    """The run of one `fit`: what a callback must not hold, so that it can be copied."""

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
        self._boundary = settings["boundary"]
        self._painter: BoundaryPainter | None = None
        if self._open:
            name = settings["run_name"] or model.name
            self.tracker.start_run(NewRun(_KEY, "model", name, time.time()))
        else:
            self.tracker.attach_run(_KEY, settings["run_id"])

    def describe(self, model: Any) -> None:
        """Writes what is known of a model once it has weights."""
        if self._described or not model.built:
            return
        self._described = True
        lines: list[str] = []
        model.summary(print_fn=lambda line, **_: lines.append(line), line_length=100)
        self.tracker.log_file(_KEY, "summary.txt", "\n".join(lines).encode())
        self.tracker.log_params(_KEY, {"weights": str(model.count_params())})

    def log_epoch(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Writes an epoch; a loss that is NaN is written as such."""
        row = {name: float(value) for name, value in logs.items()}
        for name, value in row.items():
            self._history.setdefault(name, []).append(value)
        self.tracker.log_epochs(_KEY, epoch, [row], [time.time()])

    def draw_curves(self) -> None:
        """Draws the learning curves, unless there was no epoch."""
        if not self._history:
            return
        from trialstack.plots.curves import learning_curves
        from trialstack.plots.style import figure_png

        picture = figure_png(learning_curves(self._history))
        self.tracker.log_file(_KEY, "learning_curves.png", picture)

    def paint(self, model: Any, image_key: str, step: int) -> None:
        """Draws the decision boundary, if rows were given."""
        if self._boundary is None:
            return
        X, y = (np.asarray(part) for part in self._boundary)
        plane = self._painter.plane if self._painter is not None else plane_of(X)
        outputs = _outputs(model, plane.points)
        if self._painter is None:
            labels = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
            self._painter = BoundaryPainter(plane, X, labels, n_classes_of(outputs))
        self.tracker.log_image(_KEY, image_key, self._painter.paint(outputs), step)

    def fail(self, error: Exception) -> None:
        """Ends the run as FAILED."""
        if self._open:
            self.tracker.set_tags(_KEY, {"trialstack.error": f"{type(error).__name__}: {error}"})
        self.end("FAILED")

    def end(self, status: Status) -> None:
        """Ends the run, if it is the callback's own."""
        if self._open:
            self.tracker.end_run(_KEY, status, time.time())
            self._open = False

    def close(self) -> None:
        """Waits until everything is written, and warns of what could not be."""
        if self._closed:
            return
        self._closed = True
        self.tracker.close()
        for problem in self.tracker.problems:
            warnings.warn(f"tracking: {problem}", stacklevel=4)


def _outputs(model: Any, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The model's output at points, shape `(points, outputs)`.

    By direct calls: `predict` would compile a function of its own in the middle of `fit`.
    """
    parts = [
        keras.ops.convert_to_numpy(model(points[start : start + _POINTS_A_CALL], training=False))
        for start in range(0, len(points), _POINTS_A_CALL)
    ]
    return np.concatenate(parts)


def _params_of(
    model: Any, of_fit: Mapping[str, Any], more: Mapping[str, Any] | None
) -> dict[str, str]:
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
