"""The callback that makes a plain `model.fit` an MLflow run."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import keras

from trialstack.errors import InputError
from trialstack.tracking.fit_boundary import Rows, boundary_parts
from trialstack.tracking.fit_run import KEY, FitRun, params_of


class MLflowCallback(keras.callbacks.Callback):
    """Writes one `fit` into one MLflow run.

    The run gets every epoch's metrics of training and validation rows while training goes on, the
    optimizer, learning rate, epochs and number of weights as params, `summary.txt` and
    `plots/learning_curves.png`. MLflow's global active run is neither used nor changed.

    Given rows, it also shows how the decision boundary evolves: as images `boundary`, whose step
    is the number of epochs trained (0: the untrained model), `boundary_final`, the animation
    `plots/boundary_evolution.gif`, and `plots/decision_boundary.png` with axes and legend. More
    than two features are brought to the plane of their first two principal components.

    Keras does not tell callbacks that training raised. Used as a context manager the run is then
    FAILED with the error as tag; without, it is KILLED as soon as the callback is used again,
    `close` is called, the callback is garbage, or Python ends.

    Args:
        run_id: A run that is there already. It is written into, but neither opened nor ended.
        boundary: Rows to draw: a pair `(X, y)`, or several by name, which the figure shows side
            by side: `{"train": (X, y), "test": (X_test, y_test)}`; the first make the plane and
            the evolution. `X` of shape `(rows, features)` as the model takes them, `y` labels
            of shape `(rows,)`, names of classes too, or one-hot. None draws no boundary.
        boundary_every: Epochs between two pictures; by default as many as make at most 25 (see
            `trialstack.plots.evolution.picture_interval`); 0 draws the end only.
        tracking_uri: See `trialstack.tracking.store.resolve_store`.
        experiment_name: Where its own run goes.
        run_name: Name of its own run; the model's name by default.
        params: More params, such as `{"batch_size": 32}`, which Keras tells no callback.
        classes: The classes in the order of the model's outputs; by default the sorted labels.

    Raises:
        InputError: `boundary` is neither a pair nor pairs by name, or its rows and labels are not
            as many; when training begins: it does not fit the model, or the store cannot be used.

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
        boundary: Rows | Mapping[str, Rows] | None = None,
        boundary_every: int | None = None,
        tracking_uri: str | None = None,
        experiment_name: str | None = None,
        run_name: str | None = None,
        params: Mapping[str, Any] | None = None,
        classes: Sequence[object] | None = None,
    ) -> None:
        super().__init__()
        if boundary_every is not None and boundary_every < 0:
            raise InputError(
                f"boundary_every: {boundary_every} came; give a number of epochs, or 0 for the end "
                "only"
            )
        self._settings: dict[str, Any] = {
            "run_id": run_id,
            "boundary": boundary_parts(boundary),
            "boundary_every": boundary_every,
            "tracking_uri": tracking_uri,
            "experiment_name": experiment_name,
            "run_name": run_name,
            "params": params,
            "classes": classes,
        }
        self.run_id = run_id
        self._run: FitRun | None = None

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
        self._run = run = FitRun(self._settings, self.model)
        weakref.finalize(self, run.close)
        self.run_id = run.tracker.run_id(KEY)
        run.tracker.log_params(KEY, params_of(self.model, self.params, self._settings["params"]))
        run.describe(self.model)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Draws the untrained model."""
        if self._run is not None:
            self._run.begin_epoch(self.model, epoch, int(self.params.get("epochs") or 1))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Writes the epoch's metrics, and a picture when one is due."""
        if self._run is not None:
            self._run.end_epoch(epoch, logs or {})

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Writes curves and boundary, and ends the run as FINISHED."""
        if self._run is None:
            return
        self._run.describe(self.model)
        self._run.draw(self.model)
        self._run.end("FINISHED")
        self.close()
