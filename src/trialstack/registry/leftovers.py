"""Deletes logged models that nobody needs: those of processes that were stopped on their way."""

from __future__ import annotations

from typing import Any


def delete_unfinished(client: Any, experiment_id: str, run_id: str) -> None:
    """Deletes the run's models that never became READY: leftovers of a process that was killed."""
    for model in _models_of(client, experiment_id, run_id):
        if model.status != "READY":
            delete_model(client, model.model_id)


def delete_unregistered(client: Any, experiment_id: str, run_id: str) -> None:
    """Deletes a run's models, unless a registered version refers to one of them.

    For a run that was interrupted after it had logged its model, and is made again.

    Args:
        client: `mlflow.MlflowClient` of the store.
        experiment_id: Experiment of the run.
        run_id: The run.
    """
    if not client.search_model_versions(f"run_id = '{run_id}'"):
        for model in _models_of(client, experiment_id, run_id):
            delete_model(client, model.model_id)


def delete_model(client: Any, model_id: str) -> None:
    """Deletes a logged model, whatever its state."""
    client.finalize_logged_model(model_id, "FAILED")
    client.delete_logged_model(model_id)


def _models_of(client: Any, experiment_id: str, run_id: str) -> list[Any]:
    condition = f"source_run_id = '{run_id}'"
    return list(client.search_logged_models([experiment_id], filter_string=condition))
