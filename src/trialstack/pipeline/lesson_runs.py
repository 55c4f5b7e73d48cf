"""The run of one fixed model: fitted, evaluated, judged by its seeds, and described."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.evaluation.lessons import SeedStudy, Verdict
from trialstack.pipeline.data import Data
from trialstack.pipeline.evaluation_pictures import log_evaluation_pictures, log_importance
from trialstack.pipeline.fits import FitPlan, build_seeded, failed_on_error, fit
from trialstack.pipeline.fitted import FittedModel, log_evaluation, log_fit_pictures, outputs_of
from trialstack.pipeline.fixed_models import FixedModel
from trialstack.pipeline.lesson import Lesson, about, describe, verdict_words
from trialstack.pipeline.seeds import loss_and_accuracy
from trialstack.pipeline.steps import Step
from trialstack.pipeline.sweep import Sweep, SweepPlan, run_sweep
from trialstack.plots.evolution import Evolution
from trialstack.plots.plane import Plane
from trialstack.tracking.base import Tracker
from trialstack.tracking.tags import LADDER_ID


@dataclass(frozen=True)
class Classroom:
    """What all lessons of a ladder share.

    Attributes:
        data: The rows.
        plane: Where decision boundaries are drawn.
        tracker: Where the runs go.
        ladder_id: Of the runs that are made together.
    """

    data: Data
    plane: Plane
    tracker: Tracker
    ladder_id: str

    def tags_of(self, step: Step) -> dict[str, str]:
        """Of the run of a step."""
        return {**step.tags, LADDER_ID: self.ladder_id}


def run_lesson(room: Classroom, step: Step, study: SeedStudy | None) -> Lesson:
    """Fits a model as a run of its own and writes down what it teaches.

    Raises:
        TrialstackError: The fit diverged; its run is FAILED.
    """
    tracker, stages = room.tracker, list[tuple[float, float]]()
    seeds = {"seeds": len(study)} if study is not None else {}
    fitted = fit(_plan(room, step, seeds, stages), tracker, step.model.encode, None)
    with failed_on_error(tracker, step.key):
        tracker.log_dataset(step.key, room.data.record())
        scores = _evaluate(room, step, fitted)
        lesson = Lesson(step, scores["log_loss"], scores["accuracy"], tuple(stages))
        lesson = lesson.judged_by(study)
        _log_stages(tracker, lesson)
        _log_study(tracker, lesson)
        tracker.describe(step.key, describe(lesson))
        tracker.end_run(step.key, "FINISHED", time.time())
    return lesson


def run_sweep_lesson(room: Classroom, step: Step) -> Lesson:
    """Sweeps a model's learning rate as a run of its own.

    Args:
        room: What all lessons share. With a tracker that forgets, there is a suggestion only.
        step: The model.

    Raises:
        TrialstackError: See `run_sweep`.
    """
    model, tracker = step.model, room.tracker
    sweep_settings, schedule = model.settings.sweep, model.settings.schedule
    assert sweep_settings is not None
    assert schedule is not None
    own = model.settings.seed
    seeds = [own, *(seed for seed in range(sweep_settings.seeds) if seed != own)]
    plan = SweepPlan(
        key=step.key,
        name=model.name,
        build=model.build,
        train=model.train,
        validation=model.validation,
        encode=model.encode,
        batch_size=model.settings.batch_size,
        specs=[model.spec(seed) for seed in seeds[: sweep_settings.seeds]],
        schedule=schedule,
        params=_params(step),
        tags=room.tags_of(step),
    )
    sweep = run_sweep(plan, tracker)
    with failed_on_error(tracker, step.key):
        tracker.log_dataset(step.key, room.data.record())
        lesson = Lesson(step, suggestion=sweep.suggestion, verdict=_verdict(step, sweep))
        result, _, more = sweep.description.partition("\n")
        result = f"{result.rstrip('.')}{verdict_words(lesson)}."
        tracker.describe(step.key, "\n\n".join([result, *about(step), more.strip()]))
        _log_verdict(tracker, lesson)
        tracker.end_run(step.key, "FINISHED", time.time())
    return lesson


def _verdict(step: Step, sweep: Sweep) -> Verdict | None:
    expected = step.model.settings.expect
    if expected is None or expected.learning_rate is None:
        return None
    low, high = expected.learning_rate
    found = f"suggests {sweep.suggestion:g}" if sweep.suggestion else "suggests none"
    holds = sweep.suggestion is not None and low <= sweep.suggestion <= high
    return Verdict(holds, found, f"{low:g} to {high:g}")


def _plan(
    room: Classroom, step: Step, seeds: Mapping[str, int], stages: list[tuple[float, float]]
) -> FitPlan:
    model = step.model
    spec = model.spec(model.settings.seed)
    rows, classes = model.train, room.data.dataset.classes
    return FitPlan(
        key=step.key,
        kind="model",
        name=model.name,
        model=build_seeded(spec.seed_for_keras(), model.build),
        train=rows,
        validation=model.validation,
        epochs=model.epochs,
        batch_size=model.settings.batch_size,
        seed=model.order_seed,
        params={**_params(step), **seeds},
        tags=room.tags_of(step),
        train_by=training_in_stages(model, stages) if len(model.settings.epochs) > 1 else None,
        evolution=Evolution.on(room.plane, rows.X, rows.y, classes),
    )


def _params(step: Step) -> dict[str, Any]:
    """What a run's page and the table of runs show, one param a fact."""
    settings = step.model.settings
    return {
        **{f"units_{number}": width for number, width in enumerate(settings.units, 1)},
        "activation": ", ".join(dict.fromkeys(settings.activations)) or "none",
        **{name.replace(" ", "_"): value for name, value in step.settings.items()
           if name not in {"hidden layers", "epochs", "batch size", "rows"}},
        **({"learning_rate_suggested_by": step.swept_by} if step.swept_by else {}),
        **({"stages": step.settings["epochs"]} if len(settings.epochs) > 1 else {}),
        "seed": settings.seed,
        "fitted_on": "all rows" if step.model.on_all_rows else "training rows",
    }  # fmt: skip


def training_in_stages(model: FixedModel, scores: list[tuple[float, float]]) -> Callable[..., Any]:
    """A training in several calls of `fit`, between which the model is scored.

    Batches and the optimizer go on where they were, so the numbers are those of a single call.

    Args:
        model: What is trained.
        scores: Takes loss and accuracy at the end of each stage but the last.

    Returns:
        See `FitPlan.train_by`.
    """

    def train(network: Any, *args: Any, epochs: int, **kwargs: Any) -> None:
        done = 0
        for stage in model.settings.epochs:
            network.fit(*args, initial_epoch=done, epochs=done + stage, **kwargs)
            done += stage
            if done < epochs:
                outputs = outputs_of(network, model.judged_rows.X)
                scores.append(loss_and_accuracy(model, outputs))

    return train


def _evaluate(room: Classroom, step: Step, fitted: FittedModel) -> Mapping[str, float]:
    model, tracker = step.model, room.tracker
    # Epochs have metrics of these names too, and MLflow shows the one of the highest step.
    prefix, last = ("", model.epochs) if model.on_all_rows else ("test_", 0)
    probabilities = model.probabilities(outputs_of(fitted.model, model.judged_rows.X))
    evaluation = log_evaluation(tracker, step.key, model.judged_rows, probabilities, prefix, last)
    parts = {"all rows": model.judged_rows}
    if not model.on_all_rows:
        parts = {"training rows": model.train, "test rows": model.judged_rows}
        _draw_evaluation(room, step, fitted, probabilities)
    classes = room.data.dataset.classes
    log_fit_pictures(tracker, step.key, fitted, room.plane, parts, classes, model.name)
    return evaluation.scores


def _draw_evaluation(
    room: Classroom, step: Step, fitted: FittedModel, probabilities: NDArray[np.float64]
) -> None:
    """Pictures of what the model says on rows that it has not seen."""
    model, dataset, rows = step.model, room.data.dataset, step.model.judged_rows
    title = f"{len(rows)} test rows"
    models = {"": probabilities}
    log_evaluation_pictures(room.tracker, step.key, rows, models, dataset.classes, title)
    if model.settings.output != "linear":  # whose outputs are no probabilities
        columns = room.data.columns
        log_importance(room.tracker, step.key, fitted.model, rows, columns, model.name)


def _log_stages(tracker: Tracker, lesson: Lesson) -> None:
    for number, (loss, accuracy) in enumerate(lesson.stages, 1):
        scores = {f"stage_{number}_log_loss": loss, f"stage_{number}_accuracy": accuracy}
        tracker.log_metrics(lesson.step.key, scores)


def _log_verdict(tracker: Tracker, lesson: Lesson) -> None:
    if lesson.verdict is not None:
        tracker.log_metrics(lesson.step.key, {"lesson_holds": float(lesson.verdict.holds)})


def _log_study(tracker: Tracker, lesson: Lesson) -> None:
    """What many seeds came to: metrics, a table and a picture."""
    from trialstack.plots.seeds import draw_seeds
    from trialstack.plots.style import figure_png

    study, key, model = lesson.study, lesson.step.key, lesson.step.model
    if study is None:
        return
    metrics = {"seeds_median_accuracy": study.median}
    if lesson.share is not None:
        metrics["seeds_as_tutorial"] = lesson.share
    tracker.log_metrics(key, metrics)
    _log_verdict(tracker, lesson)
    columns = {"loss": study.losses.tolist(), "accuracy": study.accuracies.tolist()}
    tracker.log_table(key, "seeds.json", {"seed": range(len(study)), **columns})
    figure = draw_seeds(
        study.accuracies,
        seed=model.settings.seed,
        outcome=model.settings.outcome,
        tutorial=lesson.tutorial[1],
        title=f"{model.name} from {len(study)} seeds",
        subtitle=f"accuracy on {lesson.rows}",
    )
    tracker.log_file(key, "plots/seeds.png", figure_png(figure))
