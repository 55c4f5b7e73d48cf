"""Saved views: what MLflow's run table and charts open with.

Without one the UI folds a search into a single row and draws ten runs in alphabetical order of
their metrics. A view is a tag of the experiment in a format of the UI that MLflow does not
document (seen in 3.17); a server that does not know it ignores it.
"""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import Sequence
from typing import Any

from trialstack.tracking import tags

_TAG = "mlflow.sharedViewState."
_LONGEST_TAG = 20_000  # characters, of an experiment's tag

_GRID_HEIGHT = 960  # pixels: three rows of pictures

State = dict[str, Any]


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
        objective: Metric of every epoch, such as `val_auc`; trials are ranked by the metric
            `best_val_auc`.
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
            *_columns("metrics", [best, "best_epoch", "epochs_run"]),
            *_columns("params", hyperparameters),
            "attributes.`Duration`",
        ],
    }
    curves = [_curve(name) for name in _curve_metrics(objective)]
    pictures = [_image_grid(key) for key in image_keys]
    axes = _parallel(best, hyperparameters)
    views = {
        "searches": ("Searches", _searches()),
        "models": ("Baseline and final models", _models()),
        "trials": (
            f"Trials, best first ({search})",
            trials
            | _charts({"Scores": [_bars(best)], "Learning curves": curves, "Boundaries": pictures}),
        ),
        "curves": (
            f"Learning curves of the ten best ({search})",
            trials | _charts({"Learning curves": curves}),
        ),
        "boundaries": (
            f"Decision boundaries of the ten best ({search})",
            trials | _charts({"Decision boundaries": pictures}, columns=1, height=_GRID_HEIGHT),
        ),
        "parallel": (
            f"Hyperparameters in parallel ({search})",
            trials
            | _charts({"Hyperparameters": [axes]}, columns=1)
            | {"runsHiddenMode": "SHOWALL"},
        ),
    }
    if not image_keys:
        del views["boundaries"]
    keys = {}
    for name, (title, state) in views.items():
        of_experiment = name in {"searches", "models"}
        keys[name] = name if of_experiment else f"{name}-{parent_run_id[:12]}"
        _save(client, experiment_id, keys[name], title, state)
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
            *_columns("metrics", ["search_best"]),
            *_columns("attributes", ["Dataset", "Duration", "User"]),
        ],
    }


def _models() -> State:
    metrics = ["test_auc", "test_log_loss", "test_accuracy", "auc", "log_loss", "accuracy"]
    return {
        "searchFilter": f"tags.{tags.KIND} != 'trial' and tags.{tags.KIND} != 'search'",
        "orderByKey": "metrics.`test_auc`",
        "orderByAsc": False,
        "selectedColumns": [
            *_columns("metrics", metrics),
            *_columns("params", ["weights"]),
            *_columns("attributes", ["Dataset", "Models"]),
        ],
    }


def _columns(kind: str, names: Sequence[str]) -> list[str]:
    return [f"{kind}.`{name}`" for name in names]


def _curve_metrics(objective: str) -> list[str]:
    names = [objective, objective.removeprefix("val_"), "val_loss", "loss"]
    return list(dict.fromkeys(names))


def _bars(metric: str) -> State:
    return {"type": "BAR", "metricKey": metric, "displayName": metric, "runsCountToCompare": 20}


def _curve(metric: str) -> State:
    return {
        "type": "LINE",
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "displayName": metric,
        "xAxisKey": "step",
        "lineSmoothness": 0,  # the UI smooths by default
        "useGlobalLineSmoothing": False,
        "displayPoints": False,
    }


def _image_grid(key: str) -> State:
    return {
        "type": "IMAGE",
        "imageKeys": [key],
        "displayName": key,
        "step": 0,
        "showRunParams": False,
    }


def _parallel(metric: str, hyperparameters: Sequence[str]) -> State:
    return {
        "type": "PARALLEL",
        "selectedParams": list(hyperparameters),
        "selectedMetrics": [metric],
        "showAllRuns": True,
    }


def _charts(sections: dict[str, list[State]], columns: int = 2, height: int = 420) -> State:
    """The part of a view that holds its charts.

    Args:
        sections: Name of a section -> its charts from left to right; empty ones are left out.
        columns: Charts beside each other.
        height: Of a chart, in pixels.
    """
    filled = {name: charts for name, charts in sections.items() if charts}
    made_sections, made_charts = [], []
    for place, (name, charts) in enumerate(filled.items()):
        section = f"section-{place}"
        made_sections.append(_section(section, name, min(columns, len(charts)), height))
        made_charts += [
            {
                "runsCountToCompare": 10,
                "deleted": False,
                "isGenerated": False,
                **chart,
                "uuid": f"chart-{place}-{number}",
                "metricSectionId": section,
            }
            for number, chart in enumerate(charts)
        ]
    # The UI adds a chart of every other metric; they wait in a section that is folded.
    made_sections.append(_section("section-rest", "Model metrics", 3, 360) | {"display": False})
    return {
        "isAccordionReordered": True,
        "compareRunSections": made_sections,
        "compareRunCharts": made_charts,
    }


def _section(uuid: str, name: str, columns: int, height: int) -> State:
    return {
        "uuid": uuid,
        "name": name,
        "display": True,
        "isReordered": True,
        "deleted": False,
        "isGenerated": False,
        "columns": columns,
        "cardHeight": height,
    }


def _save(client: Any, experiment_id: str, key: str, title: str, state: State) -> None:
    whole = {
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "runsHiddenMode": "FIRST_10_RUNS",
        **state,
    }
    packed = base64.b64encode(zlib.compress(json.dumps(whole).encode())).decode()
    now = int(time.time() * 1000)
    value = json.dumps(
        {"name": title, "createdAt": now, "updatedAt": now, "state": f"deflate;{packed}"}
    )
    if len(value) <= _LONGEST_TAG:
        client.set_experiment_tag(experiment_id, f"{_TAG}{key}", value)
