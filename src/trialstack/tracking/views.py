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

_GRID_HEIGHT = 960  # pixels: three rows of pictures


def save_views(
    client: Any,
    experiment_id: str,
    parent_run_id: str,
    objective: str,
    direction: str,
    hyperparameters: Sequence[str],
    image_keys: Sequence[str],
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

    Returns:
        Name of the view -> key for `Links.view`. The names: `searches` and `models` (of the whole
        experiment), `trials`, `curves`, `boundaries` (if there are image keys) and `parallel`.
    """
    search = client.get_run(parent_run_id).info.run_name or parent_run_id[:8]
    best = f"best_{objective}"
    trials = {
        "searchFilter": trials_filter(parent_run_id),
        "orderByKey": f"metrics.`{best}`",
        "orderByAsc": direction == "min",
        "selectedColumns": [
            *columns("metrics", [best, "best_epoch", "epochs_run"]),
            *columns("params", hyperparameters),
            "attributes.`Duration`",
        ],
    }
    curves = [line_chart(name) for name in _curve_metrics(objective)]
    pictures = [image_grid(key) for key in image_keys]
    axes = parallel_chart(best, hyperparameters)
    views = {
        "searches": ("Searches", _searches()),
        "models": ("Baseline and final models", _models()),
        "trials": (
            f"Trials, best first ({search})",
            trials
            | chart_sections(
                {"Scores": [bar_chart(best)], "Learning curves": curves, "Boundaries": pictures}
            ),
        ),
        "curves": (
            f"Learning curves of the ten best ({search})",
            trials | chart_sections({"Learning curves": curves}),
        ),
        "boundaries": (
            f"Decision boundaries of the ten best ({search})",
            trials
            | chart_sections({"Decision boundaries": pictures}, columns=1, height=_GRID_HEIGHT),
        ),
        "parallel": (
            f"Hyperparameters in parallel ({search})",
            trials
            | chart_sections({"Hyperparameters": [axes]}, columns=1)
            | {"runsHiddenMode": "SHOWALL"},
        ),
    }
    if not image_keys:
        del views["boundaries"]
    keys = {}
    for name, (title, state) in views.items():
        of_experiment = name in {"searches", "models"}
        keys[name] = name if of_experiment else f"{name}-{parent_run_id[:12]}"
        save_view(client, experiment_id, keys[name], title, state)
    return keys


def trials_filter(parent_run_id: str) -> str:
    """The UI's search expression for the trials of a search."""
    return f"tags.mlflow.parentRunId = '{parent_run_id}' and tags.{tags.KIND} = 'trial'"


def _searches() -> State:
    return {
        "searchFilter": f"tags.{tags.KIND} = 'search'",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "selectedColumns": [
            *columns("metrics", ["search_best"]),
            *columns("attributes", ["Dataset", "Duration", "User"]),
        ],
    }


def _models() -> State:
    metrics = ["test_auc", "test_log_loss", "test_accuracy", "auc", "log_loss", "accuracy"]
    return {
        "searchFilter": f"tags.{tags.KIND} != 'trial' and tags.{tags.KIND} != 'search'",
        "orderByKey": "metrics.`test_auc`",
        "orderByAsc": False,
        "selectedColumns": [
            *columns("metrics", metrics),
            *columns("params", ["weights"]),
            *columns("attributes", ["Dataset", "Models"]),
        ],
    }


def _curve_metrics(objective: str) -> list[str]:
    names = [objective, objective.removeprefix("val_"), "val_loss", "loss"]
    return list(dict.fromkeys(names))
