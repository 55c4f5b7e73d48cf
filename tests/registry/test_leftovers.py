from __future__ import annotations

from trialstack.registry.leftovers import delete_unregistered


def models_of(store):
    return {m.model_id for m in store.client.search_logged_models([store.experiment_id])}


def test_a_ready_model_of_an_interrupted_run_is_deleted(store, log, sigmoid_model):
    interrupted, other = store.new_run(), store.new_run()
    log(sigmoid_model, [0, 1], interrupted)
    kept = log(sigmoid_model, [0, 1], other)
    delete_unregistered(store.client, store.experiment_id, interrupted)
    assert models_of(store) == {kept.model_id}


def test_one_that_somebody_has_registered_is_kept(store, log, sigmoid_model):
    run_id = store.new_run()
    kept = log(sigmoid_model, [0, 1], run_id)
    store.client.create_registered_model("mine")
    location = store.client.get_logged_model(kept.model_id).artifact_location
    store.client.create_model_version("mine", location, run_id)
    delete_unregistered(store.client, store.experiment_id, run_id)
    assert models_of(store) == {kept.model_id}
