"""What an interruption after the search leaves in the store, and how the next process goes on."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from tests.pipeline.conftest import Place
from trialstack.errors import Interrupted
from trialstack.tuners.pictures import TrialPictures

MOONS = """
name = "moons"

[dataset]
source = "moons"
params = { n_samples = 200 }

[hypermodel]
units = [[3, 9]]

[search]
max_trials = 2
epochs = 2
"""


def models_of(place: Place) -> list[Any]:
    experiment = place.client.get_experiment_by_name("moons")
    return list(place.client.search_logged_models([experiment.experiment_id]))


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[Place, str], None]:
    """Runs the command until it calls a function, and stops it there."""

    def interrupted(*_: Any, **__: Any) -> None:
        raise Interrupted(signal.SIGINT)

    def interrupt(place: Place, function: str) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(function, interrupted)
            answer = place.tune()
        assert answer.code == 130, answer.err

    return interrupt


@pytest.mark.slow
def test_no_model_is_left_of_a_check_that_was_interrupted_or_killed(
    place: Place, interrupt: Callable[[Place, str], None]
) -> None:
    place.write(MOONS)
    interrupt(place, "trialstack.pipeline.registration.verify")
    assert models_of(place) == []
    (stopped,) = place.runs("final", "moons")
    left = place.client.create_logged_model(  # as a kill would have left it
        stopped.info.experiment_id, name="model", source_run_id=stopped.info.run_id
    )
    place.client.finalize_logged_model(left.model_id, "READY")

    answer = place.tune()
    assert answer.code == 0, answer.err
    (model,) = models_of(place)
    assert model.source_run_id == answer.json["final"]["run_id"]
    statuses = [run.info.status for run in place.runs("final", "moons")]
    assert statuses == ["KILLED", "FINISHED"]
    # The trials are those of the first process, and so is what is said of them.
    assert answer.json["trials"] == {"completed": 2, "failed": 0, "resumed": 2, "stacked": 2}
    assert 0 < answer.json["seconds"]["search"] < answer.json["seconds"]["total"]


@pytest.mark.slow
def test_a_model_that_the_journal_knows_stays(
    place: Place, interrupt: Callable[[Place, str], None]
) -> None:
    place.write(MOONS)
    interrupt(place, "trialstack.pipeline.registration.register")
    (before,) = models_of(place)
    (run,) = place.runs("final", "moons")
    place.client.set_terminated(run.info.run_id, "KILLED")  # its end may not have been written
    answer = place.tune()
    assert answer.code == 0, answer.err
    assert [model.model_id for model in models_of(place)] == [before.model_id]
    assert [run.info.status for run in place.runs("final", "moons")] == ["FINISHED"]


def forget_the_end(place: Place, run_id: str) -> None:
    """What a kill leaves of a trial whose last words were still to be written."""
    with contextlib.closing(sqlite3.connect(place.folder / "mlruns" / "mlflow.db")) as store, store:
        for table in ("metrics", "latest_metrics"):
            store.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (run_id,))
        store.execute("UPDATE runs SET status = 'RUNNING' WHERE run_uuid = ?", (run_id,))


@pytest.mark.slow
def test_fresh_keeps_what_the_replaced_search_has_come_to(
    place: Place, interrupt: Callable[[Place, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write(MOONS)
    with monkeypatch.context() as patched:  # no end has been written, hence no picture
        patched.setattr(TrialPictures, "forget", lambda *_: None)
        interrupt(place, "trialstack.pipeline.registration.register")
    (parent,) = place.runs("search", "moons")
    _, second = place.runs("trial", "moons")
    whole = place.client.get_run(second.info.run_id).data
    for run in (second, parent):
        forget_the_end(place, run.info.run_id)

    answer = place.tune("--fresh")
    assert answer.code == 0, answer.err
    successor = json.loads(place.journals("moons")[1].read_text().splitlines()[0])["search_id"]
    parent = place.client.get_run(parent.info.run_id)
    assert parent.info.status == "KILLED"
    assert parent.data.tags["trialstack.successor"] == successor
    first_line, more = parent.data.tags["mlflow.note.content"].split("\n\n")[:2]
    assert first_line.startswith("Best val_auc **")
    assert more == "Given up for another search before it had come to its end."
    trials = place.runs("trial", "moons", parent.info.run_id)
    lost = place.client.get_run(second.info.run_id)
    again = place.client.get_run(lost.data.tags["trialstack.successor"])
    assert (lost.info.status, again.info.status) == ("KILLED", "FINISHED")
    assert {run.info.run_id for run in trials} >= {lost.info.run_id, again.info.run_id}
    assert [run.info.status for run in trials].count("FINISHED") == 2
    assert again.data.metrics == whole.metrics
    assert again.data.params == whole.params
    assert place.curve(again.info.run_id, "val_auc")
    assert "boundary_final" in str(place.files(again.info.run_id, "images"))
    # Of its models, none was registered, and none will be.
    (model,) = models_of(place)
    assert model.source_run_id == answer.json["final"]["run_id"]
    assert "RUNNING" not in {run.info.status for run in place.runs("", "moons")}
