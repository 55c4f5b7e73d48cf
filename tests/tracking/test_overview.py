from __future__ import annotations

from typing import Any

import pytest

from trialstack.tracking.overview import describe_experiment, entry_pages
from trialstack.tracking.store import Store, open_client

VIEW = "mlflow.sharedViewState."
BASE = "http://127.0.0.1:5000"


@pytest.fixture
def client(store: Store) -> Any:
    return open_client(store)


def test_a_description_by_hand_is_kept(client: Any) -> None:
    experiment = client.create_experiment("rings")
    pages = {"searches": f"{BASE}/#/experiments/1/runs?viewStateShareKey=searches"}
    describe_experiment(client, experiment, "Two rings.", pages)
    text = client.get_experiment(experiment).tags["mlflow.note.content"]
    link = "[searches](#/experiments/1/runs?viewStateShareKey=searches)"
    assert text == f"Two rings. Open: {link}."
    client.set_experiment_tag(experiment, "mlflow.note.content", "Mine.")
    describe_experiment(client, experiment, "Two rings.", pages)
    assert client.get_experiment(experiment).tags["mlflow.note.content"] == "Mine."


def test_nothing_to_say_is_not_said(client: Any) -> None:
    experiment = client.create_experiment("rings")
    describe_experiment(client, experiment, "", {})
    assert "mlflow.note.content" not in client.get_experiment(experiment).tags


def test_one_begins_at_the_searches_or_at_the_latest_ladder(client: Any) -> None:
    tags = {
        "searches": {"trials-aa": 3, "searches": 1, "ladder-models-aa": 2},
        "ladders": {"ladder-models-aa": 7, "ladder-models-bb": 9, "ladder-curves-cc": 11},
        "of-others": {},
    }
    ids = {}
    for name, views in tags.items():
        ids[name] = client.create_experiment(name)
        for key, at in views.items():
            client.set_experiment_tag(ids[name], f"{VIEW}{key}", f'{{"createdAt": {at}}}')
    keys = {"searches": "searches", "ladders": "ladder-models-bb"}
    assert entry_pages(client, BASE) == {
        name: f"{BASE}/#/experiments/{ids[name]}/runs?viewStateShareKey={key}"
        "&workflowType=machine_learning"
        for name, key in keys.items()
    }


def test_only_the_latest_experiments_are_told(client: Any) -> None:
    for number in range(3):
        experiment = client.create_experiment(f"rings-{number}")
        client.set_experiment_tag(experiment, f"{VIEW}searches", '{"createdAt": 1}')
    assert len(entry_pages(client, BASE, most=2)) == 2
