"""Saved views: what MLflow's run table and charts open with.

Without one the UI folds a search into a single row and draws ten runs in alphabetical order of
their metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trialstack.tracking import tags
from trialstack.tracking.charts import (
    State,
    bar_chart,
    chart_sections,
    columns,
    image_grid,
    line_chart,
    parallel_chart,
    save_view,
)

BEST_SHOWN = 10
"""Runs that the UI draws in its charts unless asked for more."""

SEARCHES_KEY = "searches"
"""Of the view of all searches of an experiment."""

_GRID_HEIGHT = 960  # pixels: three rows of pictures
_EVOLUTION_HEIGHT = 420  # one row, and the slider
_SCORES = ("auc", "accuracy", "log_loss")


def save_views(
    client: Any,
    experiment_id: str,
    parent_run_id: str,
    objective: str,
    direction: str,
    hyperparameters: Sequence[str],
    image_keys: Sequence[str],
    *,
    best: Sequence[str] = (),
    tested: bool = True,
) -> dict[str, str]:
    """Saves the views of a search; a search that is saved again replaces its own.

    Args:
        client: An `mlflow.MlflowClient`.
        experiment_id: Where to save them.
        parent_run_id: Run of the search, whose children the views show.
        objective: Metric of every epoch, such as `val_auc`; trials are sorted by
            their metric `best_val_auc`.
        direction: `"max"` or `"min"`.
        hyperparameters: Params to show as columns and axes, in this order.
        image_keys: Keys of the image grids; the one that the view starts with first.
        best: Ids of the runs of the ten best trials, once the search is done.
        tested: Whether the final models are scored on test rows.

    Returns:
        Name of the view -> key for `Links.view`. The names: `searches` and `models` (of the whole
        experiment), `trials`, `curves`, `boundaries` (if there are image keys) and `parallel`.
    """
    when = _when(client, experiment_id, parent_run_id)
    score = f"best_{objective}"
    trials = {
        "searchFilter": trials_filter(parent_run_id),
        "orderByKey": f"metrics.`{score}`",
        "orderByAsc": direction == "min",
        "selectedColumns": [
            *columns("metrics", [score, "best_epoch", "epochs_run"]),
            *columns("params", hyperparameters),
            *columns("tags", [tags.MODEL]),
        ],
    }
    curves = [line_chart(name) for name in _curve_metrics(objective)]
    pictures = [image_grid(key) for key in image_keys]
    axes = parallel_chart(score, hyperparameters)
    views = {
        SEARCHES_KEY: ("Searches", _searches()),
        "models": ("Baseline and final models", _models(objective, tested)),
        "trials": (
            f"Trials, best first · {when}",
            trials
            | chart_sections(
                {"Scores": [bar_chart(score)], "Learning curves": curves, "Boundaries": pictures}
            ),
        ),
        "curves": (
            f"Learning curves of the ten best · {when}",
            trials | _only(best) | chart_sections({"Learning curves": curves}),
        ),
        "boundaries": (
            f"Decision boundaries of the ten best · {when}",
            trials
            | _only(best)
            # The image grid shows the last run first.
            | {"orderByAsc": trials["orderByAsc"] != bool(best)}
            | chart_sections({"Decision boundaries": pictures}, columns=1, height=_GRID_HEIGHT),
        ),
        "parallel": (
            f"Hyperparameters in parallel · {when}",
            trials
            | chart_sections({"Hyperparameters": [axes]}, columns=1, height=_GRID_HEIGHT // 2)
            | {"runsHiddenMode": "SHOWALL"},
        ),
    }
    if not image_keys:
        del views["boundaries"]
    keys = {}
    for name, (title, state) in views.items():
        of_experiment = name in {SEARCHES_KEY, "models"}
        keys[name] = name if of_experiment else f"{name}-{parent_run_id[:12]}"
        save_view(client, experiment_id, keys[name], title, state)
    return keys


def trials_filter(parent_run_id: str) -> str:
    """The UI's search expression for the trials of a search."""
    return f"tags.mlflow.parentRunId = '{parent_run_id}' and tags.{tags.KIND} = 'trial'"


def _when(client: Any, experiment_id: str, parent_run_id: str) -> str:
    """The search's name without that of the experiment, on whose pages the view is."""
    name = client.get_run(parent_run_id).info.run_name or parent_run_id[:8]
    return str(name).removeprefix(f"{client.get_experiment(experiment_id).name} · ")


def _only(best: Sequence[str]) -> State:
    """These runs alone, once they are known: MLflow's order of equal scores is another."""
    if not best:
        return {}
    ids = ", ".join(f"'{run_id}'" for run_id in best)
    return {"searchFilter": f"attributes.run_id IN ({ids})"}


def _searches() -> State:
    return {
        "searchFilter": f"tags.{tags.KIND} = 'search'",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "selectedColumns": [
            *columns("metrics", ["search_best"]),
            *columns("params", ["search.algorithm", "search.max_trials"]),
            *columns("tags", [tags.TEST_AUC, tags.MODEL]),
            *columns("attributes", ["Duration", "User"]),
        ],
    }


def _models(objective: str, tested: bool) -> State:
    prefix = "test_" if tested else ""
    scores = [f"{prefix}{name}" for name in _SCORES]
    curves = [line_chart(name.removeprefix("val_")) for name in (objective, "loss")]
    pictures = [image_grid("boundary"), image_grid("boundary_final")]
    where = "Scores on the test rows" if tested else "Scores on the training rows"
    return {
        "searchFilter": f"tags.{tags.KIND} != 'trial' and tags.{tags.KIND} != 'search'",
        "orderByKey": f"metrics.`{scores[0]}`",
        "orderByAsc": False,
        "selectedColumns": [
            *columns("metrics", scores),
            *columns("params", ["epochs", "weights"]),
            *columns("attributes", ["Duration", "Models"]),
        ],
        **chart_sections(
            {
                "Decision boundaries": pictures,
                where: [bar_chart(name) for name in scores],
                "Learning curves": curves,
            },
            height=_EVOLUTION_HEIGHT,
        ),
    }


def _curve_metrics(objective: str) -> list[str]:
    names = [objective, objective.removeprefix("val_"), "val_loss", "loss"]
    return list(dict.fromkeys(names))
