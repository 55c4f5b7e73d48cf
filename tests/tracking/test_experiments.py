"""Experiments that a server keeps from some of its users."""

from __future__ import annotations

from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from trialstack.errors import InputError, TrialstackError
from trialstack.tracking import store as store_module
from trialstack.tracking.experiments import require_editable
from trialstack.tracking.mlflow import MlflowTracker
from trialstack.tracking.store import resolve_store
from trialstack.tuners.tracked import make_tracker

SERVER = resolve_store("http://127.0.0.1:5000")


class Client:
    """Knows one experiment, and answers a new name for it with an error or not at all."""

    def __init__(self, error_code: str | None) -> None:
        self.error_code = error_code
        self.renamed: list[tuple[str, str]] = []

    def get_experiment_by_name(self, name: str) -> Any:
        from mlflow.entities import Experiment

        return Experiment("7", name, "", "active") if name == "circles" else None

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        self.renamed.append((experiment_id, name))
        if self.error_code is not None:
            error = MlflowException("no")
            error.error_code = self.error_code
            raise error


def test_one_that_may_only_be_read_is_refused() -> None:
    with pytest.raises(InputError, match=r"^experiment 'circles' .* only read it; .* EDIT$"):
        require_editable(Client("PERMISSION_DENIED"), SERVER, "circles")


@pytest.mark.parametrize("error_code", [None, "INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE"])
def test_it_keeps_its_name_and_no_other_answer_refuses_it(error_code: str | None) -> None:
    client = Client(error_code)
    require_editable(client, SERVER, "circles")
    assert client.renamed == [("7", "circles")]


def test_one_that_is_not_there_and_a_store_without_permissions_are_not_asked() -> None:
    client = Client("PERMISSION_DENIED")
    require_editable(client, SERVER, "moons")
    require_editable(client, resolve_store("sqlite:////tmp/store.db"), "circles")
    assert client.renamed == []


def test_a_program_is_refused_as_the_commands_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "open_client", lambda _: Client("PERMISSION_DENIED"))
    with pytest.raises(InputError, match=r"^experiment 'circles' .* only read it"):
        make_tracker(SERVER.tracking_uri, "circles", "a search")


def test_links_of_one_that_a_server_goes_away_from_are_refused_in_words() -> None:
    client = Client(None)
    with MlflowTracker(SERVER, "moons", "a search", client) as tracker:
        client.get_experiment_by_name = gone  # type: ignore[method-assign]
        with pytest.raises(TrialstackError, match=r"^experiment 'moons' is not .*refused.*again"):
            _ = tracker.links


def gone(_: str) -> Any:
    raise MlflowException("API request failed with exception: Connection refused")
