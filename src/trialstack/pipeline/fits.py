"""Fits of models that are decided already: the baseline and the final model, each a tracked run."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.errors import TrialstackError
from trialstack.evaluation.scores import Evaluation, evaluate
from trialstack.executors.batch_order import OrderedFit
from trialstack.hypermodels.naming import format_value
from trialstack.pipeline.data import Rows
from trialstack.plots.plane import Plane
from trialstack.tracking.base import Kind, NewRun, Tracker
from trialstack.trials import EpochBlock, Event, Objective, TrialSpec

SUMMARY_WIDTH = 100
"""Characters of a line of `summary.txt`."""
PREDICT_ROWS = 8192
"""Rows evaluated at a time: bounds the memory of a prediction."""


@dataclass(frozen=True)
class FitPlan:
    """One fit.

    Attributes:
        key: Of its run.
        kind: Of its run.
        name: Of its run.
        model: Compiled.
        train: What it is fitted on.
        validation: What its validation metrics come from; None = none.
        epochs: All of them are run.
        batch_size: Rows of a training step.
        seed: Of the search: the order of rows.
        params: Beside those that every fit has.
        tags: Of its run.
    """

    key: str
    kind: Kind
    name: str
    model: Any
    train: Rows
    validation: Rows | None
    epochs: int
    batch_size: int
    seed: int
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FittedModel:
    """What came of a fit."""

    model: Any
    history: Mapping[str, Sequence[float]]
    n_weights: int


def fit(plan: FitPlan, tracker: Tracker, encode: Any, parent: str) -> FittedModel:
    """Fits a model as a tracked run, which stays open for its evaluation.

    Args:
        plan: What is fitted.
        tracker: Where the run goes.
        encode: Turns class indices into the model's targets.
        parent: Key of the parent run.

    Raises:
        TrialstackError: The fit diverged; its run is FAILED.
    """
    from trialstack.tuners.recording import Execution, ExecutionRecorder, TrialDiverged

    n_weights = int(plan.model.count_params())
    params = {
        **plan.params,
        "epochs": plan.epochs,
        "batch_size": plan.batch_size,
        "weights": n_weights,
        "rows": len(plan.train.y),
    }
    shown = {name: format_value(value) for name, value in params.items()}
    tracker.start_run(
        NewRun(plan.key, plan.kind, plan.name, time.time(), parent, shown, dict(plan.tags))
    )
    tracker.log_file(plan.key, "summary.txt", model_summary(plan.model).encode())

    def tell(event: Event) -> None:
        if isinstance(event, EpochBlock):
            tracker.log_epochs(plan.key, event.first_epoch, event.rows, event.times)

    objective = Objective("loss", "min")
    execution = Execution(plan.key, 0, objective, tell)
    ordered = OrderedFit(plan.seed)
    ordered.attach(plan.model)
    validation = plan.validation
    with failed_on_error(tracker, plan.key):
        try:
            plan.model.fit(
                plan.train.X,
                encode(plan.train.y),
                validation_data=(validation.X, encode(validation.y)) if validation else None,
                epochs=plan.epochs,
                batch_size=plan.batch_size,
                callbacks=[ExecutionRecorder(execution, objective)],
                verbose=0,
            )
        except TrialDiverged as error:
            raise TrialstackError(f"the {plan.key} fit failed: {error}") from error
        finally:
            OrderedFit.detach(plan.model)
    return FittedModel(plan.model, execution.history, n_weights)


@contextlib.contextmanager
def failed_on_error(tracker: Tracker, key: str) -> Iterator[None]:
    """Closes an open run as FAILED, with the reason, when what is done for it raises.

    A signal is no failure: the tracker closes what it leaves open as KILLED.
    """
    try:
        yield
    except Exception as error:
        kind = "" if isinstance(error, TrialstackError) else f"{type(error).__name__}: "
        reason = str(error).strip().partition("\n")[0]
        tracker.set_tags(key, {"trialstack.error": f"{kind}{reason}"})
        tracker.end_run(key, "FAILED", time.time())
        raise


def build_seeded(seed: int, build: Any) -> Any:
    """A model whose initial weights come from a seed and from nothing else.

    Args:
        seed: As `TrialSpec.seed_for_keras` gives it.
        build: Called without arguments.
    """
    import keras

    from trialstack.tuners.job import preserved_random_state

    with preserved_random_state():
        keras.backend.clear_session(free_memory=False)
        keras.utils.set_random_seed(seed)
        return build()


def baseline_seed(search_seed: int) -> int:
    """The baseline's own: it is no trial, so it has a number that no trial has."""
    return TrialSpec("baseline", 2**32 - 1, {}, (search_seed, 2**32 - 1)).seed_for_keras()


def outputs_of(model: Any, X: NDArray[np.float32]) -> NDArray[np.float32]:
    """The model's output, shape `(rows, outputs)`, without a progress bar."""
    parts = [
        np.asarray(model(X[start : start + PREDICT_ROWS], training=False), dtype=np.float32)
        for start in range(0, len(X), PREDICT_ROWS)
    ]
    return np.concatenate(parts)


def probabilities_of(model: Any, X: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probability of each class, shape `(rows, classes)`."""
    outputs = outputs_of(model, X).astype(np.float64)
    return np.hstack([1.0 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


def model_summary(model: Any) -> str:
    """What `model.summary()` prints, 100 characters wide."""
    text = io.StringIO()
    with _terminal_width(SUMMARY_WIDTH):
        model.summary(print_fn=lambda line, **_: text.write(line), line_length=SUMMARY_WIDTH)
    return text.getvalue()


@contextlib.contextmanager
def _terminal_width(columns: int) -> Iterator[None]:
    """Keras cuts what it prints at the terminal's width, whatever width it is asked for."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        yield
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before


def log_evaluation(
    tracker: Tracker,
    key: str,
    rows: Rows,
    probabilities: NDArray[np.float64],
    prefix: str = "test_",
    step: int = 0,
) -> Evaluation:
    """Scores predictions and writes the scores on a run: `test_auc`, `test_accuracy`, ...

    Args:
        tracker: Where the run is.
        key: Of the run.
        rows: What was predicted.
        probabilities: Shape `(rows, classes)`.
        prefix: Of the metrics' names.
        step: Of the metrics. MLflow shows the value of the highest step, so names that epochs
            have too need one that is after them.
    """
    evaluation = evaluate(rows.y, probabilities)
    scores = {f"{prefix}{name}": value for name, value in evaluation.scores.items()}
    low, high = evaluation.auc_ci
    interval = {f"{prefix}auc_ci_low": low, f"{prefix}auc_ci_high": high}
    tracker.log_metrics(key, scores | interval, step)
    return evaluation


def log_fit_pictures(
    tracker: Tracker,
    key: str,
    fitted: FittedModel,
    plane: Plane,
    parts: Mapping[str, Rows],
    classes: Sequence[Any],
    title: str,
) -> None:
    """Learning curves and the decision boundary of a fit, over each part of the rows."""
    from trialstack.plots.boundary import draw_boundary_parts
    from trialstack.plots.curves import learning_curves
    from trialstack.plots.painter import BoundaryPainter
    from trialstack.plots.style import figure_png

    tracker.log_file(key, "plots/learning_curves.png", figure_png(learning_curves(fitted.history)))
    outputs = outputs_of(fitted.model, plane.points)
    train = next(iter(parts.values()))
    painter = BoundaryPainter(plane, train.X, train.y, len(classes))
    tracker.log_image(key, "boundary_final", painter.paint(outputs))
    figure = draw_boundary_parts(
        plane,
        outputs,
        {name: (rows.X, rows.y) for name, rows in parts.items()},
        classes,
        title=title,
    )
    tracker.log_file(key, "plots/decision_boundary.png", figure_png(figure))
