"""What an interruption after the search leaves in the store, and how the next process goes on."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.pipeline.conftest import Place
from trialstack.errors import Interrupted

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
