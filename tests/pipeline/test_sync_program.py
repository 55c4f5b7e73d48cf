"""`trialstack sync --directory`: searches of a program's own, without an experiment file."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import keras_tuner

import trialstack
from tests.pipeline.conftest import Place
from tests.tuners.conftest import Pretended
from trialstack.tracking.store import open_client, resolve_store


def search(place: Place) -> Any:
    tuner = trialstack.RandomSearch(
        Pretended(),
        keras_tuner.Objective("val_score", "max"),
        max_trials=3,
        seed=1,
        executor="one-by-one",
        tracking=place.uri,
        directory=str(place.folder / "own"),
        project_name="study",
    )
    tuner.search(verbose=0)
    return tuner


def finished(place: Place) -> dict[str, tuple[int, int, dict[str, float]]]:
    return {
        run.data.tags["trialstack.trial_id"]: (
            run.info.start_time,
            run.info.end_time,
            run.data.metrics,
        )
        for run in place.runs("trial", "study")
        if run.info.status == "FINISHED"
    }


def test_what_a_program_could_not_send_is_sent_once(place: Place) -> None:
    search(place)
    before = finished(place)
    assert len(before) == 3
    (lost,) = (r for r in place.runs("trial", "study") if r.data.tags["trialstack.trial_id"] == "1")
    (parent,) = place.runs("search", "study")
    client = open_client(resolve_store(place.uri))
    # As a process leaves them that was killed while the store was away.
    client.set_terminated(lost.info.run_id, "KILLED")
    client.update_run(parent.info.run_id, status="RUNNING")

    sent = place.trialstack("sync", "--directory", "own")
    assert sent.code == 0, sent.err
    assert sent.out == "study: sent: 1 trial, the end of the search (FINISHED)\n"
    after = finished(place)
    assert after.keys() == before.keys()
    for trial_id, (_, ended, metrics) in before.items():
        assert after[trial_id][2] == metrics
        assert abs(after[trial_id][1] - ended) <= 1
    (parent,) = place.runs("search", "study")
    assert parent.info.status == "FINISHED"
    again = place.trialstack("sync", "--directory", str(Path("own", "study")))
    assert (again.code, again.out) == (0, "study: complete already\n")


def test_another_store_is_not_sent_to(place: Place) -> None:
    search(place)
    (place.folder / "other").mkdir()
    shutil.copy(place.folder / "mlruns" / "mlflow.db", place.folder / "other")
    with contextlib.closing(sqlite3.connect(place.folder / "other" / "mlflow.db")) as other:
        other.execute("delete from tags")
        other.commit()
    answer = place.trialstack(
        "sync", "--directory", "own", "--tracking-uri", "sqlite:///other/mlflow.db"
    )
    assert answer.code == 0
    assert answer.out == (
        "study: skipped: its runs are not in this store; name theirs with --tracking-uri\n"
    )


def test_a_folder_without_searches_is_refused(place: Place) -> None:
    answer = place.trialstack("sync", "--directory", "own")
    assert answer.code == 2
    assert "--directory own: no search is there; there is: none" in answer.err
