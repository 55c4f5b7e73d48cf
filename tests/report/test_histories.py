from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from trialstack.report.histories import read_histories
from trialstack.report.runs import RunStore


@pytest.fixture(scope="module")
def run_ids(written) -> list[str]:
    """Two runs with curves, one of which was told twice, and one that has none."""
    client = written.client
    ids = [client.create_run("0").info.run_id for _ in range(3)]
    for step, value in ((0, 0.5), (1, math.nan), (2, 0.75)):
        client.log_metric(ids[0], "val_auc", value, timestamp=100 + step, step=step)
    client.log_metric(ids[1], "val_auc", 0.1, timestamp=100, step=0)
    client.log_metric(ids[1], "val_auc", 0.2, timestamp=200, step=0)
    return ids


def without_database(written) -> RunStore:
    """A store as a server's client has it."""
    store = written.client._tracking_client.store
    remote = SimpleNamespace(
        get_metric_history_bulk_interval=store.get_metric_history_bulk_interval
    )
    client = SimpleNamespace(_tracking_client=SimpleNamespace(store=remote))
    return RunStore(written.store, client)


@pytest.mark.parametrize("kind", ["database", "server"])
def test_curves_of_many_runs(written, run_ids, kind: str) -> None:
    runs = written.runs if kind == "database" else without_database(written)
    found = read_histories(runs, run_ids, "val_auc")
    assert set(found) == set(run_ids[:2])
    (first, (step, nan), last) = found[run_ids[0]]
    assert (first, last) == ((0, 0.5), (2, 0.75))
    assert step == 1
    assert math.isnan(nan)
    assert found[run_ids[1]] == [(0, 0.2)]  # the later one counts
    assert read_histories(runs, run_ids, "nothing") == {}
