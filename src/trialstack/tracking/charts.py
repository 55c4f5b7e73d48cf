"""Charts, columns and the saving of views of MLflow's pages.

A view is a tag of the experiment in a format of the UI that MLflow does not document (seen in
3.17); a server that does not know it ignores it.
"""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import Sequence
from typing import Any

VIEW_TAG = "mlflow.sharedViewState."
"""What the names of the tags begin with that hold a view; its key follows."""

_LONGEST_TAG = 20_000  # characters, of an experiment's tag

State = dict[str, Any]


def columns(kind: str, names: Sequence[str]) -> list[str]:
    """Columns of the table of runs: `kind` is `metrics`, `params`, `tags` or `attributes`.

    The UI puts them into groups by kind and sorts each group by name; only the choice is ours.
    """
    return [f"{kind}.`{name}`" for name in names]


def bar_chart(metric: str) -> State:
    """One bar a run."""
    return {"type": "BAR", "metricKey": metric, "displayName": metric, "runsCountToCompare": 20}


def line_chart(metric: str, *, log_scale: bool = False) -> State:
    """A metric over its steps, one line a run."""
    return {
        "type": "LINE",
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "displayName": metric,
        "xAxisKey": "step",
        "scaleType": "log" if log_scale else "linear",
        "lineSmoothness": 0,  # the UI smooths by default
        "useGlobalLineSmoothing": False,
        "displayPoints": False,
    }


def image_grid(key: str) -> State:
    """The pictures of a key, one a run, with a slider for the steps."""
    return {
        "type": "IMAGE",
        "imageKeys": [key],
        "displayName": key,
        "step": 0,
        "showRunParams": False,
    }


def parallel_chart(metric: str, hyperparameters: Sequence[str]) -> State:
    """Params and a metric on parallel axes, one line a run."""
    return {
        "type": "PARALLEL",
        "selectedParams": list(hyperparameters),
        "selectedMetrics": [metric],
        "showAllRuns": True,
    }


def chart_sections(sections: dict[str, list[State]], columns: int = 2, height: int = 420) -> State:
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


def save_view(client: Any, experiment_id: str, key: str, title: str, state: State) -> None:
    """Saves a view; one of the same key is replaced.

    Args:
        client: An `mlflow.MlflowClient`.
        experiment_id: Where to save it.
        key: For `Links.view`.
        title: As people see it.
        state: Filter, order, columns and charts; what is missing takes the UI's defaults.
    """
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
        client.set_experiment_tag(experiment_id, f"{VIEW_TAG}{key}", value)
