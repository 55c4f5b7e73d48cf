"""The curves of metrics over epochs, of many runs in few requests."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from trialstack.report.runs import RunStore

RUNS_OF_A_REQUEST = 100
"""MLflow's servers take no more at a time."""
MOST_POINTS = 250
"""Of a curve that comes from a server, which thins longer ones."""

_OF_MANY_RUNS = "/api/2.0/mlflow/metrics/get-history-bulk-interval"

Curve = list[tuple[int, float]]
"""Epoch (from 0) and value, in the order of epochs."""

_Point = tuple[str, int, int, float]
"""Run id, epoch, time and value."""


def read_histories(runs: RunStore, run_ids: Sequence[str], metric: str) -> dict[str, Curve]:
    """One metric of many runs.

    Args:
        runs: The store.
        run_ids: Whose curves.
        metric: Name of the metric.

    Returns:
        Run id -> its curve; a run that has not logged the metric is left out. Of an epoch that was
        logged twice the later value counts.
    """
    curves: dict[str, dict[int, tuple[int, float]]] = {}
    for start in range(0, len(run_ids), RUNS_OF_A_REQUEST):
        chosen = list(run_ids[start : start + RUNS_OF_A_REQUEST])
        for run_id, step, timestamp, value in _points(runs.client, chosen, metric):
            epochs = curves.setdefault(run_id, {})
            if step not in epochs or epochs[step][0] <= timestamp:
                epochs[step] = (timestamp, value)
    return {
        run_id: [(step, value) for step, (_, value) in sorted(epochs.items())]
        for run_id, epochs in curves.items()
    }


def _points(client: Any, run_ids: list[str], metric: str) -> Iterable[_Point]:
    """What one request brings; MLflow's client has a public one for single runs only."""
    store = client._tracking_client.store
    if (engine := getattr(store, "engine", None)) is not None:
        return _rows(engine, run_ids, metric)
    if (credentials := getattr(store, "get_host_creds", None)) is not None:
        return _answered(credentials(), run_ids, metric)
    sampled = getattr(store, "get_metric_history_bulk_interval", None)
    found = (
        [(point.run_id, point) for point in sampled(run_ids, metric, MOST_POINTS, None, None)]
        if sampled is not None
        else [(each, p) for each in run_ids for p in client.get_metric_history(each, metric)]
    )
    return [(run_id, p.step, p.timestamp, float(p.value)) for run_id, p in found]


def _answered(credentials: Any, run_ids: list[str], metric: str) -> list[_Point]:
    """The same from a server: its client would ask twice for every single run."""
    from mlflow.utils.rest_utils import http_request_safe

    wanted = {"run_ids": run_ids, "metric_key": metric, "max_results": MOST_POINTS}
    answer = http_request_safe(credentials, _OF_MANY_RUNS, "GET", params=wanted).json()
    return [
        (point["run_id"], int(point["step"]), int(point["timestamp"]), float(point["value"]))
        for point in answer.get("metrics", [])
    ]


def _rows(engine: Any, run_ids: list[str], metric: str) -> list[_Point]:
    """The same from a database: MLflow would make two objects of each of ten thousand values."""
    from mlflow.store.tracking.dbmodels.models import SqlMetric
    from sqlalchemy import select

    table = SqlMetric.__table__.c
    query = select(table.run_uuid, table.step, table.timestamp, table.value, table.is_nan).where(
        table.key == metric, table.run_uuid.in_(run_ids)
    )
    with engine.connect() as connection:
        return [
            (run_id, step, timestamp, math.nan if is_nan else value)
            for run_id, step, timestamp, value, is_nan in connection.execute(query)
        ]
