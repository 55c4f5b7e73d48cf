"""`trialstack sync`: what a journal knows and the store does not, sent once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import Place
from trialstack.experiment import Experiment
from trialstack.pipeline import missing as missing_module
from trialstack.pipeline.data import Data
from trialstack.pipeline.missing import Missing
from trialstack.pipeline.sync import sync_command
from trialstack.searches import DONE, address_of, held, open_search, record_place
from trialstack.tracking import mlflow as mlflow_module
from trialstack.tracking.base import KnownRun
from trialstack.tracking.store import resolve_store
from trialstack.tuners.journal import Journal

MOONS = """
name = "moons"
[dataset]
source = "moons"
params = { n_samples = 60 }
[hypermodel]
units = [[3, 9]]
[search]
max_trials = 3
epochs = 2
"""


def record(journal: Journal, number: int, event: str = "") -> None:
    """Writes a trial into a journal, with an end if there is to be one."""
    trial = {"trial_id": str(number), "attempt": 0}
    values = {"active": ["units_1"], "values": {"units_1": 3 + number}, "space": []}
    journal.append("asked", **trial, number=number)
    started = journal.append("started", **trial)["time"]
    history = {"loss": [0.5, 0.25], "val_auc": [0.5, 0.75 + number / 100]}
    ended = {**trial, **values, "history": history, "times": [started + 1, started + 2]}
    if event == "finished":
        metrics = {name: curve[1] for name, curve in history.items()}
        how = {"metrics": metrics, "best_epoch": 1, "stopped_by": "epochs", "stacked": True}
        journal.append("finished", **ended, **how)
    elif event == "failed":
        journal.append("failed", **ended, reason="ValueError: no", traceback="")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Of a search of three trials, killed in the third."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.open("s1", {"name": "moons", "seed": 1})
    for number, event in enumerate(("finished", "failed", "")):
        record(journal, number, event)
    return journal


ENDED = [
    KnownRun("search", "p", "KILLED"),
    KnownRun("trial/0", "a", "FINISHED"),
    KnownRun("trial/1", "b", "FAILED"),
]


def test_nothing_is_missing_where_every_end_is_there(journal: Journal) -> None:
    assert not Missing(journal, ENDED)
    orphan = KnownRun("trial/0", "c", "KILLED")  # of an attempt that was interrupted
    assert not Missing(journal, [*ENDED, orphan])


def test_what_is_missing_is_counted(journal: Journal) -> None:
    assert str(Missing(journal, [])) == "2 trials, the end of the search (KILLED)"
    running = [KnownRun(run.key, run.run_id, "RUNNING") for run in ENDED]
    assert str(Missing(journal, running)) == "2 trials, the end of the search (KILLED)"
    third = KnownRun("trial/2", "d", "RUNNING")
    assert str(Missing(journal, [*ENDED, third])) == "the end of 1 run"
    assert str(Missing(journal, [*ENDED[:2], third])) == "1 trial, the end of 1 run"


def test_what_a_person_has_deleted_is_not_missing(journal: Journal) -> None:
    assert not Missing(journal, ENDED[:2], deleted=ENDED[2:])
    assert Missing(journal, ENDED[1:], deleted=ENDED[:1]).parent_is_deleted


@pytest.mark.parametrize(("data", "status"), [({"version": 1}, "FINISHED"), ({}, "FAILED")])
def test_a_search_that_is_done_has_the_end_that_it_came_to(
    journal: Journal, data: dict[str, Any], status: str
) -> None:
    journal.append("stage", name=DONE, data={"max_trials": 3, **data})
    assert str(Missing(journal, ENDED)) == f"the end of the search ({status})"
    assert not Missing(journal, [KnownRun("search", "p", status), *ENDED[1:]])


def test_steps_that_are_done_lack_their_end(journal: Journal) -> None:
    entry = journal.append("stage", name="baseline", data={"run_id": "x"})
    baseline = KnownRun("baseline", "x", "KILLED")
    assert missing_module.recorded_open([baseline], journal) == [(baseline, entry["time"])]
    assert str(Missing(journal, [*ENDED, baseline])) == "the end of 1 run"


def test_a_store_is_called_the_same_wherever_its_folder_is(tmp_path: Path) -> None:
    one, other = resolve_store(directory=tmp_path), resolve_store(directory=tmp_path / "moved")
    assert address_of(one) == address_of(other) == "sqlite:///mlflow.db"
    remote = [resolve_store(f"https://{name}host:1") for name in ("", "ann:secret@")]
    assert {address_of(store) for store in remote} == {"https://host:1"}


def test_the_command_names_a_store_that_is_not_the_default(in_tmp: Path) -> None:
    assert sync_command(resolve_store(), "my rings") == "trialstack sync 'my rings'"
    store = resolve_store("http://ann:secret@host:1")
    assert sync_command(store, "x") == "trialstack sync x --tracking-uri 'http://***@host:1'"


def begun(place: Place) -> Journal:
    """A search of which the store knows nothing yet."""
    experiment = Experiment.from_dict(tomllib.loads(MOONS))
    root = place.folder / "mlruns" / "searches"
    with held(root, "moons") as home:
        search = open_search(home, experiment, Data.of(experiment).digest)
    record_place(search.journal, resolve_store(place.uri), place.folder)
    for number, event in enumerate(("finished", "failed", "")):
        record(search.journal, number, event)
    return search.journal


def rows(place: Place) -> dict[str, list[str]]:
    tables = ("runs", "metrics", "latest_metrics", "params", "tags", "inputs")
    with contextlib.closing(sqlite3.connect(place.folder / "mlruns" / "mlflow.db")) as store:
        return {
            table: sorted(map(repr, store.execute(f"SELECT * FROM {table}"))) for table in tables
        }


def test_a_search_is_sent_once_with_its_own_times(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place.trialstack("sync").out.startswith("no search in ")
    journal = begun(place)
    title = f"moons/{journal.path.parent.name}"

    def away(*_: Any, **__: Any) -> None:
        raise OSError("no answer")

    with monkeypatch.context() as patched:  # the store goes away meanwhile
        patched.setattr(mlflow_module, "_PATIENCE", 0.05)
        patched.setattr(mlflow_module, "_LONGEST_WAIT", 0.05)
        patched.setattr("trialstack.tracking.direct.DirectClient.create_run", away)
        answer = place.trialstack("sync")
    assert answer.code == 1
    assert answer.out.startswith(f"{title}: not all was sent: ")
    assert answer.err.splitlines()[-1].startswith("error: 1 of 1 could not be sent completely")

    answer = place.trialstack("sync", "moons")
    assert answer.code == 0, answer.err
    assert answer.out == f"{title}: sent: 2 trials, the end of the search (KILLED)\n"
    (search,) = place.runs("search", "moons")
    assert search.info.status == "KILLED"
    assert search.info.start_time == int(1000 * journal.entries[0]["time"])
    assert search.info.end_time == int(1000 * journal.entries[-1]["time"])
    assert "Stopped before its end." in search.data.tags["mlflow.note.content"]
    assert search.data.params["search.max_trials"] == "3"
    assert "leaderboard.csv" in place.files(search.info.run_id)
    trials = place.runs("trial", "moons", search.info.run_id)
    finished, failed = sorted(trials, key=lambda run: run.data.tags["trialstack.trial_id"])
    assert (finished.info.status, failed.info.status) == ("FINISHED", "FAILED")
    assert finished.data.params == {"units_1": "3"}
    started, ended = (next(journal.of(event)) for event in ("started", "finished"))
    assert finished.info.start_time == int(1000 * started["time"])
    history = place.client.get_metric_history(finished.info.run_id, "val_auc")
    assert [(point.step, point.timestamp, point.value) for point in history] == [
        (epoch, int(1000 * ended["times"][epoch]), ended["history"]["val_auc"][epoch])
        for epoch in (0, 1)
    ]
    (best,) = place.client.get_metric_history(finished.info.run_id, "best_val_auc")
    assert (best.step, best.timestamp, best.value) == (0, int(1000 * ended["time"]), 0.75)

    before = rows(place)
    answer = place.trialstack("sync")
    assert (answer.code, answer.out) == (0, f"{title}: complete already\n")
    assert rows(place) == before

    # The end of a trial is lost in the store: it is written again, once.
    with contextlib.closing(sqlite3.connect(place.folder / "mlruns" / "mlflow.db")) as store, store:
        store.execute(
            "UPDATE runs SET status = 'RUNNING' WHERE run_uuid = ?", (finished.info.run_id,)
        )
    answer = place.trialstack("sync", "moons")
    assert (answer.code, answer.out) == (0, f"{title}: sent: 1 trial\n")
    statuses = [run.info.status for run in place.runs("trial", "moons")]
    assert sorted(statuses) == ["FAILED", "FINISHED", "KILLED"]
    assert place.trialstack("sync").out == f"{title}: complete already\n"

    place.client.delete_run(search.info.run_id)
    assert place.trialstack("sync").out == f"{title}: skipped: it was deleted in MLflow\n"


def test_what_is_not_to_be_sent_is_skipped_with_a_line(place: Place) -> None:
    journal = begun(place)
    root = place.folder / "mlruns" / "searches"
    with held(root, "moons"):
        answer = place.trialstack("sync", "moons")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"moons: skipped: process {os.getpid()} on ")
    answer = place.trialstack("sync", "moos")
    assert (answer.code, answer.out) == (2, "")
    assert "experiment 'moos' has no search in" in answer.err
    assert "did you mean 'moons'" in answer.err
    journal.append("stage", name="place", data={"store": "http://host:1", "folder": "."})
    answer = place.trialstack("sync")
    assert "its runs are in http://host:1; name that one with --tracking-uri\n" in answer.out
    assert not (place.folder / "mlruns" / "mlflow.db").exists()
    journal.path.write_text("{}\n" + journal.path.read_text())
    answer = place.trialstack("sync")
    assert (answer.code, answer.err.count("\n")) == (1, 1)
    assert "line 1: damaged" in answer.out
    assert "1 of 1 could not be sent completely" in answer.err
