"""Fits of models that are decided already: the baseline and the final model, each a tracked run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.errors import TrialstackError
from trialstack.executors.batch_order import OrderedFit, bind_fit_arguments
from trialstack.hypermodels.naming import format_value
from trialstack.hypermodels.summary import model_summary
from trialstack.pipeline.data import Rows
from trialstack.pipeline.fitted import FittedModel
from trialstack.pipeline.job import NotWrittenError
from trialstack.pipeline.release import release_rows
from trialstack.pipeline.telling import telling
from trialstack.tracking.base import Kind, NewRun, Tracker
from trialstack.tracking.store import display_uri
from trialstack.trials import EpochBlock, Event, Objective, TrialSpec

if TYPE_CHECKING:
    from trialstack.plots.evolution import Evolution
    from trialstack.tracking.evolution import EvolutionRecorder
    from trialstack.tuners.recording import Execution


SECONDS_BETWEEN = 10.0
"""Lines on how far a fit is, at the most often."""


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
        batch_size: Rows of a training step, unless `train_by` chooses others.
        seed: Of the search: the order of rows.
        params: Beside those that every fit has.
        tags: Of its run.
        train_by: Called with the model and the arguments of `model.fit`, which it may change;
            what it returns is what `HyperModel.fit` may return. None = `model.fit` itself.
        callbacks: Of Keras, before our own.
        may_diverge: Whether a loss that becomes NaN or infinite is an end like any other, with the
            epochs so far; else it is an error.
        evolution: Pictures of its decision boundary while it learns; None = none.
        class_weight: What a row of each class weighs in the loss; None = 1.
        tell: Takes lines on how far a long fit is.
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
    train_by: Callable[..., Any] | None = None
    callbacks: Sequence[Any] = ()
    may_diverge: bool = False
    evolution: Evolution | None = None
    class_weight: Mapping[int, float] | None = None
    tell: Callable[[str], None] | None = None


def fit(plan: FitPlan, tracker: Tracker, encode: Any, parent: str | None) -> FittedModel:
    """Fits a model as a tracked run, which stays open for its evaluation.

    Args:
        plan: What is fitted.
        tracker: Where the run goes.
        encode: Turns class indices into the model's targets.
        parent: Key of the parent run; None = none.

    Raises:
        TrialstackError: The fit diverged, and may not; its run is FAILED.
    """
    from trialstack.tuners.recording import Execution, TrialDiverged

    n_weights = int(plan.model.count_params())
    params = {
        **plan.params,
        "epochs": plan.epochs,
        "weights": n_weights,
        "rows": len(plan.train.y),
    }
    chosen = params.pop("batch_size", None)
    shown = {name: format_value(value) for name, value in params.items()}
    tracker.start_run(
        NewRun(plan.key, plan.kind, plan.name, time.time(), parent, shown, dict(plan.tags))
    )
    tracker.log_file(plan.key, "summary.txt", model_summary(plan.model).encode())

    show = telling(
        plan.tell or (lambda line: None), f"fitting the {plan.key}", every=SECONDS_BETWEEN
    )
    show(0, plan.epochs)

    def tell(event: Event) -> None:
        if isinstance(event, EpochBlock):
            rows = [_own_metrics(plan, row) for row in event.rows]
            tracker.log_epochs(plan.key, event.first_epoch, rows, event.times)
            show(event.first_epoch + len(rows), plan.epochs)

    recorder = _recorder(plan, tracker)
    plan = replace(plan, callbacks=[*plan.callbacks, *recorder])
    execution = Execution(plan.key, 0, Objective("loss", "min"), tell)
    batch_sizes: list[int | None] = []
    with failed_on_error(tracker, plan.key):
        try:
            _train(plan, encode, execution, batch_sizes.append)
        except TrialDiverged as error:
            if not plan.may_diverge:
                raise TrialstackError(f"the {plan.key} fit failed: {error}") from error
        finally:
            used = [size for size in (*batch_sizes, chosen) if size is not None]
            if used:
                tracker.log_params(plan.key, {"batch_size": format_value(used[0])})
        for each in recorder:
            each.finish(plan.model)
    release_rows(plan.train.X.nbytes)
    return FittedModel(plan.model, _own_metrics(plan, execution.history), n_weights)


def _recorder(plan: FitPlan, tracker: Tracker) -> list[EvolutionRecorder]:
    """What follows the evolution, if there is to be one."""
    if plan.evolution is None:
        return []
    from trialstack.tracking.evolution import EvolutionRecorder

    return [EvolutionRecorder(plan.evolution, tracker, plan.key, plan.epochs, plan.name)]


def _train(
    plan: FitPlan, encode: Any, execution: Execution, note: Callable[[int | None], None]
) -> None:
    """Fits the model, with rows in the search's order; `note` takes the batch size of each fit."""
    from trialstack.tuners.recording import ExecutionRecorder

    model, validation = plan.model, plan.validation
    # A user's own training may do with the rows whatever is done with an array.
    X = plan.train.X if plan.train_by is None else np.asarray(plan.train.X)
    OrderedFit(plan.seed).attach(model)
    ordered_fit = model.fit

    def noted_fit(*args: Any, **kwargs: Any) -> Any:
        note(bind_fit_arguments(args, kwargs).get("batch_size"))
        return ordered_fit(*args, **kwargs)

    object.__setattr__(model, "fit", noted_fit)  # past Keras, which would track it
    train_by = plan.train_by or (lambda model, *args, **kwargs: model.fit(*args, **kwargs))
    try:
        result = train_by(
            model,
            X,
            encode(plan.train.y),
            validation_data=(validation.X, encode(validation.y)) if validation else None,
            epochs=plan.epochs,
            batch_size=plan.batch_size,
            callbacks=[*plan.callbacks, ExecutionRecorder(execution, Objective("loss", "min"))],
            verbose=0,
            **({} if plan.class_weight is None else {"class_weight": plan.class_weight}),
        )
    finally:
        OrderedFit.detach(model)
    if not execution.rows:  # it was not given our callback
        _read_history(result, execution)


def _read_history(result: Any, execution: Execution) -> None:
    """Takes the epochs from what a training has returned, if that tells of them."""
    import keras

    if isinstance(result, keras.callbacks.History):
        for values in zip(*result.history.values(), strict=False):
            execution.add(dict(zip(result.history, map(float, values), strict=True)))


def _own_metrics(plan: FitPlan, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Those that mean something: without validation rows set apart, `val_` is of training rows."""
    apart = plan.validation is not None
    return {name: value for name, value in metrics.items() if apart or name[:4] != "val_"}


@contextlib.contextmanager
def failed_on_error(tracker: Tracker, key: str) -> Iterator[None]:
    """Closes an open run as FAILED, with the reason, when what is done for it raises.

    A signal is no failure, nor is a store that has gone away: the tracker closes what they leave
    open as KILLED.
    """
    try:
        yield
    except NotWrittenError:
        raise
    except Exception as error:
        kind = "" if isinstance(error, TrialstackError) else f"{type(error).__name__}: "
        reason = display_uri(str(error)).strip().partition("\n")[0]
        tracker.set_tags(key, {"trialstack.error": f"{kind}{reason}"})
        tracker.end_run(key, "FAILED", time.time())
        raise


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Random numbers from a seed and from nothing else, and none less for the others.

    Args:
        seed: As `TrialSpec.seed_for_keras` gives it.
    """
    import keras

    from trialstack.tuners.random_state import preserved_random_state

    with preserved_random_state():
        keras.utils.set_random_seed(seed)
        yield


def build_seeded(seed: int, build: Any) -> Any:
    """A model whose initial weights come from a seed.

    Args:
        seed: See `seeded`.
        build: Called without arguments.
    """
    import keras

    keras.backend.clear_session(free_memory=False)
    with seeded(seed):
        return build()


def built(model: Any, X: NDArray[np.float32] | ChosenRows) -> Any:
    """The model, with weights, which one without an input layer has once it has met rows.

    Args:
        model: As a hypermodel of the user's own has made it.
        X: Shape (rows, features).
    """
    if not model.built:
        model(X[:1])
    return model


def baseline_seed(search_seed: int) -> int:
    """The baseline's own: it is no trial, so it has a number that no trial has."""
    return TrialSpec("baseline", 2**32 - 1, {}, (search_seed, 2**32 - 1)).seed_for_keras()
