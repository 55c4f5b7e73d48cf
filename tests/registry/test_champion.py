from __future__ import annotations

import json
from dataclasses import dataclass

import mlflow
import numpy as np
import pytest

from trialstack.errors import InputError
from trialstack.registry import champion as champion_module
from trialstack.registry.champion import Candidate, promote, register
from trialstack.registry.evidence import Evidence, evidence_files
from trialstack.registry.history import (
    CHANGE_TAG,
    champion_history,
    champion_of,
    crown,
    versions_of,
)
from trialstack.registry.package import LoggedModelRef
from trialstack.tracking import tags

Y = np.array([0, 1] * 4)
HASHES = np.arange(100, 108, dtype="uint64")


@dataclass
class Found:
    difference: float
    p_one_sided: float


def by_mean(y, new, old):
    """A stand-in for DeLong: the difference is that of the mean probability given to the truth."""
    rows = np.arange(len(y))
    difference = float((new[rows, y] - old[rows, y]).mean())
    return Found(difference, 0.01 if abs(difference) >= 0.1 else 0.4)


@pytest.fixture
def candidate(store, tmp_path):
    """Makes a finished final run with a logged model (without files) and its evidence."""

    def make(quality, test_digest="rows A", test_hashes=HASHES, training=(), store_evidence=True):
        run_id = store.new_run()
        logged = store.client.create_logged_model(
            store.experiment_id, name="model", source_run_id=run_id
        )
        store.client.finalize_logged_model(logged.model_id, "READY")
        probability = np.where(Y == 1, quality, 1 - quality)
        evidence = Evidence(
            test_digest=test_digest,
            feature_names=("x", "y"),
            classes=(0, 1),
            y_test=Y,
            probabilities_test=np.column_stack([1 - probability, probability]),
            training_row_hashes=np.array(training, dtype="uint64"),
            test_row_hashes=test_hashes,
        )
        if store_evidence:
            for path, content in evidence_files(evidence).items():
                folder, name = path.split("/")
                (tmp_path / name).write_bytes(content)
                store.client.log_artifact(run_id, tmp_path / name, folder)
        return Candidate(
            model=LoggedModelRef(logged.model_id, f"models:/{logged.model_id}", "f" * 64),
            run_id=run_id,
            search_id="s1",
            search_run_id="r1",
            data_digest="d1",
            test_auc=quality,
            evidence=evidence,
            description="test AUC",
        )

    return make


@pytest.fixture
def add(store, candidate):
    def add(quality, **more):
        score = more.pop("score_champion", None)
        return register(
            store.client,
            "circles",
            candidate(quality, **more),
            compare=by_mean,
            score_champion=score,
        )

    return add


def version_tags(store, version):
    return store.client.get_model_version("circles", str(version)).tags


def test_the_first_version_is_champion(store, candidate):
    first = candidate(0.8)
    found = register(
        store.client,
        "circles",
        first,
        compare=by_mean,
        description="Two rings.",
        tags={"trialstack.experiment": "circles"},
    )
    assert (found.name, found.version, found.alias) == ("circles", 1, "champion")
    assert found.uri == "models:/circles/1"
    assert found.reason == "the first version"
    assert found.test_uses == 1
    model = store.client.get_registered_model("circles")
    assert model.description == "Two rings."
    assert model.tags == {"trialstack.experiment": "circles"}
    version = store.client.get_model_version_by_alias("circles", "champion")
    assert (version.version, version.run_id, version.description) == (1, first.run_id, "test AUC")
    expected = {
        "trialstack.search_id": "s1",
        "trialstack.search_run_id": "r1",
        "trialstack.test_digest": "rows A",
        "test_auc": "0.8",
        "trialstack.data_digest": "d1",
        "trialstack.files_sha256": "f" * 64,
        "trialstack.test_uses": "1",
        "trialstack.model_id": first.model.model_id,
    }
    assert expected.items() <= version.tags.items()


def test_version_and_logged_model_are_linked(store, candidate):
    first = candidate(0.8)
    register(store.client, "circles", first, compare=by_mean)
    tags = store.client.get_logged_model(first.model.model_id).tags
    assert json.loads(tags["mlflow.modelVersions"]) == [{"name": "circles", "version": 1}]


def test_a_better_model_takes_the_place(store, add):
    add(0.6)
    second = add(0.8)
    assert (second.version, second.alias, second.test_uses) == (2, "champion", 2)
    assert second.reason.startswith("better than models:/circles/1 on the same test rows")
    assert champion_of(store.client, "circles").version == 2


@pytest.mark.parametrize("quality", [0.6, 0.65, 0.3], ids=["tie", "by chance", "worse"])
def test_otherwise_the_champion_stays(store, add, quality):
    add(0.6)
    second = add(quality)
    assert second.alias is None
    assert second.reason.startswith("not shown to be better than models:/circles/1")
    assert champion_of(store.client, "circles").version == 1
    assert "not_comparable" not in version_tags(store, 2)


def test_uses_of_test_rows_are_counted_per_rows(add):
    assert [add(0.6).test_uses, add(0.6).test_uses, add(0.6).test_uses] == [1, 2, 3]
    assert add(0.6, test_digest="rows B").test_uses == 1


def test_on_other_rows_the_champion_is_scored(store, add):
    add(0.6, training=[1, 2])
    other = {"test_digest": "rows B", "test_hashes": HASHES + np.uint64(50)}
    second = add(0.9, **other, score_champion=lambda uri: np.full((8, 2), 0.5))
    assert second.alias == "champion"
    assert "on new test rows" in second.reason


def test_a_champion_that_saw_the_rows_is_not_compared(store, add):
    add(0.6, training=[1, 150])
    other = {"test_digest": "rows B", "test_hashes": HASHES + np.uint64(50)}
    second = add(0.9, **other, score_champion=lambda uri: pytest.fail("must not be scored"))
    assert second.alias is None
    assert "trained on 1 of the new test rows" in second.reason
    tags = version_tags(store, 2)
    assert tags["not_comparable"] == tags["trialstack.not_comparable"] == "true"
    assert champion_of(store.client, "circles").version == 1


def test_a_champion_without_evidence_is_not_compared(store, add):
    add(0.6, store_evidence=False)
    assert "holds no test predictions" in add(0.9).reason
    assert version_tags(store, 2)["not_comparable"] == "true"


def test_registering_a_run_again_changes_nothing(store, candidate):
    first = candidate(0.6)
    once = register(store.client, "circles", first, compare=by_mean)
    tags = version_tags(store, 1)
    again = register(store.client, "circles", first, compare=by_mean)
    assert again == once
    assert version_tags(store, 1) == tags
    assert len(versions_of(store.client, "circles")) == 1


@pytest.mark.parametrize("step", ["set_registered_model_alias", "set_model_version_tag"])
def test_a_registration_cut_short_is_completed(store, candidate, monkeypatch, step):
    def die(*args, **kwargs):
        raise KeyboardInterrupt

    first, second = candidate(0.6), candidate(0.9)
    register(store.client, "circles", first, compare=by_mean)
    with monkeypatch.context() as patch:
        patch.setattr(store.client, step, die)
        with pytest.raises(KeyboardInterrupt):
            register(store.client, "circles", second, compare=by_mean)
    found = register(store.client, "circles", second, compare=by_mean)
    assert (found.version, found.alias) == (2, "champion")
    assert found.reason.startswith("better than models:/circles/1")


def test_a_registration_cut_short_after_the_alias_keeps_its_reason(store, candidate, monkeypatch):
    tag = store.client.set_model_version_tag

    def die_at_reason(name, version, key, value):
        if key == "trialstack.champion_reason":
            raise KeyboardInterrupt
        tag(name, version, key, value)

    first, second = candidate(0.6), candidate(0.9)
    register(store.client, "circles", first, compare=by_mean)
    with monkeypatch.context() as patch:
        patch.setattr(store.client, "set_model_version_tag", die_at_reason)
        with pytest.raises(KeyboardInterrupt):
            register(store.client, "circles", second, compare=by_mean)
    found = register(store.client, "circles", second, compare=by_mean)
    assert found.reason.startswith("better than models:/circles/1")
    assert len(champion_history(store.client, "circles")) == 2


def test_an_alias_that_was_taken_away_is_given_again(store, add):
    add(0.6)
    store.client.delete_registered_model_alias("circles", "champion")
    second = add(0.5)
    assert second.alias == "champion"
    assert second.reason == "no version was champion"


def test_a_deleted_champion_is_no_champion(store, add):
    add(0.6)
    store.client.delete_model_version("circles", "1")
    assert champion_of(store.client, "circles") is None
    assert add(0.5).alias == "champion"


def test_a_champion_that_changes_meanwhile_is_compared_with(store, add, candidate):
    add(0.6)
    rival = candidate(0.9)
    new = candidate(0.8)
    rounds = []

    def compare(y, new_probabilities, old_probabilities):
        if not rounds:
            rounds.append("rival")
            register(store.client, "circles", rival, compare=by_mean)
        return by_mean(y, new_probabilities, old_probabilities)

    found = register(store.client, "circles", new, compare=compare)
    assert found.alias is None
    assert "not shown to be better than models:/circles/3" in found.reason
    assert champion_of(store.client, "circles").run_id == rival.run_id


def test_promote_and_history(store, add, monkeypatch):
    monkeypatch.setattr(tags.getpass, "getuser", lambda: "ann")
    add(0.8)
    add(0.6)
    promoted = promote(store.client, "circles", 2, "needs fewer columns")
    assert (promoted.version, promoted.alias) == (2, "champion")
    assert promoted.reason == "needs fewer columns"
    promote(store.client, "circles", "2", "again")
    history = champion_history(store.client, "circles")
    assert [(c.version, c.previous, c.by, c.reason, c.who) for c in history] == [
        (1, None, "register", "the first version", "ann"),
        (2, 1, "promote", "needs fewer columns", "ann"),
    ]
    assert history[0].at <= history[1].at


def test_a_change_of_before_names_were_written_down(store, add):
    add(0.8)
    ((key, value),) = (
        (key, value) for key, value in version_tags(store, 1).items() if key.startswith(CHANGE_TAG)
    )
    entry = json.loads(value)
    del entry["who"]
    store.client.set_model_version_tag("circles", "1", key, json.dumps(entry))
    assert [change.who for change in champion_history(store.client, "circles")] == [""]


def test_promoting_what_is_not_there(store, add):
    add(0.8)
    with pytest.raises(InputError, match=r"model 'circles': no version 7; there are: 1$"):
        promote(store.client, "circles", 7, "why not")
    with pytest.raises(InputError, match=r"model 'rings': no version 1; there are: none$"):
        promote(store.client, "rings", 1, "why not")


def test_a_name_with_a_quotation_mark(store, candidate):
    found = register(store.client, "it's mine", candidate(0.8), compare=by_mean)
    assert found.alias == "champion"
    assert len(versions_of(store.client, "it's mine")) == 1


def test_mlflow_globals_are_left_alone(add, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    before = mlflow.get_tracking_uri()
    add(0.8)
    assert mlflow.get_tracking_uri() == before
    assert list(elsewhere.iterdir()) == []


def test_a_restless_champion_ends_the_attempts(store, add, candidate):
    add(0.6)
    add(0.6)
    flips = []

    def compare(y, new, old):
        flips.append(champion_of(store.client, "circles").version)
        crown(store.client, "circles", 3 - flips[-1], "somebody else", by="promote")
        return by_mean(y, new, old)

    register(store.client, "circles", candidate(0.6), compare=compare)
    assert len(flips) == champion_module.ATTEMPTS
