from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from trialstack.tracking.base import NewRun
from trialstack.tracking.links import Links, base_url
from trialstack.tracking.mlflow import MlflowTracker
from trialstack.tracking.store import Store, resolve_store
from trialstack.tracking.views import save_views

LINKS = Links("http://127.0.0.1:5000", "3")


def state_of(value: str) -> dict[str, Any]:
    kind, _, packed = json.loads(value)["state"].partition(";")
    assert kind == "deflate"
    state: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return state


def test_the_base_is_the_server_or_where_one_is_started(tmp_path: Path) -> None:
    assert base_url(resolve_store(directory=tmp_path)) == "http://127.0.0.1:5000"
    assert base_url(resolve_store("https://host/mlflow/", tmp_path)) == "https://host/mlflow"


@pytest.mark.parametrize(
    ("link", "page"),
    [
        (LINKS.experiment(), "/experiments/3/runs?workflowType=machine_learning"),
        (
            LINKS.trials("c0ffee", "best_val_auc", "max"),
            "/experiments/3/runs?searchFilter=tags.mlflow.parentRunId%20%3D%20%27c0ffee%27"
            "%20and%20tags.trialstack.kind%20%3D%20%27trial%27"
            "&orderByKey=metrics.%60best_val_auc%60&orderByAsc=false"
            "&workflowType=machine_learning",
        ),
        (
            LINKS.view("trials-c0ffee", charts=True),
            "/experiments/3/runs?viewStateShareKey=trials-c0ffee&compareRunsMode=CHART"
            "&workflowType=machine_learning",
        ),
        (
            LINKS.run("c0ffee", "artifacts/leaderboard.json"),
            "/experiments/3/runs/c0ffee/artifacts/leaderboard.json?workflowType=machine_learning",
        ),
        (
            LINKS.compare(["a", "b"]),
            "/compare-runs?runs=%5B%22a%22%2C%22b%22%5D&experiments=%5B%223%22%5D"
            "&workflowType=machine_learning",
        ),
        (
            LINKS.model_version("breast cancer", 2),
            "/models/breast%20cancer/versions/2?workflowType=machine_learning",
        ),
    ],
)
def test_links_open_the_machine_learning_mode(link: str, page: str) -> None:
    assert link == f"http://127.0.0.1:5000/#{page}"


def test_a_search_by_loss_is_sorted_upwards() -> None:
    assert "&orderByAsc=true&" in LINKS.trials("c0ffee", "best_val_loss", "min")


def test_links_hold_no_password() -> None:
    link = Links("https://ann:secret@host", "3").experiment()
    assert link.startswith("https://host/#/")


def test_views_are_saved_and_replaced(store: Store) -> None:
    with MlflowTracker(store, "moons", "s1") as tracker:
        tracker.start_run(NewRun("search", "search", "moons · 2026-11-22 08:13", 1_700_000_000.0))
        parent = tracker.run_id("search")

        def save(*images: str, **options: Any) -> dict[str, str]:
            return save_views(
                tracker.client,
                tracker.experiment_id,
                parent,
                "val_auc",
                "max",
                ["units_1", "l1"],
                images,
                **options,
            )

        keys = save("boundary_final", "boundary")
        assert list(keys) == ["searches", "models", "trials", "curves", "boundaries", "parallel"]
        assert save("boundary_final", "boundary") == keys
        assert "boundaries" not in save()
        save("boundary_final", best=["aa", "bb"], tested=False)
        saved = tracker.client.get_experiment(tracker.experiment_id).tags
    views = {key: value for key, value in saved.items() if "sharedViewState" in key}
    assert set(views) == {f"mlflow.sharedViewState.{key}" for key in keys.values()}
    assert all(len(value) < 3000 for value in views.values())
    trials = views[f"mlflow.sharedViewState.{keys['trials']}"]
    assert json.loads(trials)["name"] == "Trials, best first · 2026-11-22 08:13"
    state = state_of(trials)
    assert state["orderByKey"] == "metrics.`best_val_auc`"
    assert state["orderByAsc"] is False
    assert parent in state["searchFilter"]
    assert "params.`units_1`" in state["selectedColumns"]
    sections = {section["uuid"] for section in state["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} < sections
    curves = state_of(views[f"mlflow.sharedViewState.{keys['curves']}"])
    assert [chart["metricKey"] for chart in curves["compareRunCharts"]] == [
        "val_auc",
        "auc",
        "val_loss",
        "loss",
    ]
    assert curves["searchFilter"] == "attributes.run_id IN ('aa', 'bb')"
    assert curves["orderByAsc"] is False
    # The image grid shows the last run of the table first.
    boundaries = state_of(views[f"mlflow.sharedViewState.{keys['boundaries']}"])
    assert boundaries["searchFilter"] == "attributes.run_id IN ('aa', 'bb')"
    assert boundaries["orderByAsc"] is True
    models = state_of(views["mlflow.sharedViewState.models"])
    assert models["orderByKey"] == "metrics.`auc`"
    assert re.fullmatch(r"trials-[0-9a-f]{12}", keys["trials"])
