from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from trialstack.registry.champion import promote
from trialstack.registry.listing import list_models


def test_versions_newest_first_with_what_is_known_of_them(shelf):
    [model] = list_models(shelf.client)
    assert (model.name, model.description, model.champion) == ("circles", "About **circles**.", 1)
    second, first = model.versions
    assert (first.version, first.aliases, first.comparable) == (1, ("champion",), True)
    assert first.test == {"accuracy": 0.75, "auc": 0.75, "auc_ci": [0.65, 0.8]}
    assert first.reason == "the first version"
    assert (second.version, second.aliases, second.comparable) == (2, (), False)
    assert second.search_run_id == "s0.5"
    assert second.reason.startswith("not comparable with models:/circles/1")
    assert timedelta() <= datetime.now(UTC) - second.registered < timedelta(hours=1)
    assert [(change.version, change.reason) for change in model.history] == [
        (1, "the first version")
    ]


def test_a_model_of_its_experiments_name_takes_one_answer(
    store, add_version, sigmoid_model, monkeypatch
):
    for auc in (0.5, 0.75):
        add_version(store, "flowers", sigmoid_model, auc)
    monkeypatch.setattr(store.client, "get_run", lambda run_id: pytest.fail("one by one"))
    [model] = list_models(store.client, "flowers")
    assert [version.test["auc"] for version in model.versions] == [0.75, 0.5]


def test_history_and_plain_values(store, add_version, sigmoid_model):
    for auc in (0.5, 0.75):
        add_version(store, "flowers", sigmoid_model, auc)
    promote(store.client, "flowers", 2, "fewer columns")
    [model] = list_models(store.client)
    plain = json.loads(json.dumps(model.as_json()))
    assert plain["champion"] == 2
    assert [version["aliases"] for version in plain["versions"]] == [["champion"], []]
    assert plain["versions"][0]["uri"] == "models:/flowers/2"
    assert plain["versions"][0]["registered"].endswith("+00:00")
    changes = [(c["version"], c["previous"], c["by"], c["reason"]) for c in plain["history"]]
    assert changes == [
        (1, None, "register", "the first version"),
        (2, 1, "promote", "fewer columns"),
    ]


def test_a_version_that_somebody_else_made(store):
    store.client.create_registered_model("theirs")
    store.client.create_model_version("theirs", store.folder.as_uri(), await_creation_for=0)
    [model] = list_models(store.client)
    [version] = model.versions
    assert (version.test, version.run_id, version.search_run_id) == ({}, "", "")
    assert (model.champion, model.history) == (None, ())
