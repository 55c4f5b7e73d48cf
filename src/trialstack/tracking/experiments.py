"""Finds and makes MLflow experiments, and finds the runs of a search in them."""

from __future__ import annotations

import re
from typing import Any

from trialstack.errors import InputError
from trialstack.tracking import tags
from trialstack.tracking.store import Store

_PAGE = 1000  # runs


def find_experiment(client: Any, name: str) -> str | None:
    """The id of an experiment, None where there is none of that name.

    Raises:
        InputError: The experiment is deleted, and MLflow keeps its name taken; or it is another
            person's who has not let one see it.
    """
    from mlflow.exceptions import MlflowException

    try:
        experiment = client.get_experiment_by_name(name)
    except MlflowException as error:
        if error.error_code != "PERMISSION_DENIED":
            raise
        raise InputError(
            f"experiment {name!r} is another person's, and the server does not let you see it; "
            "choose another name, or ask them to grant you a permission"
        ) from error
    if experiment is None:
        return None
    if experiment.lifecycle_stage != "active":
        raise InputError(
            f"experiment {name!r} was deleted in MLflow, which keeps its name taken; choose "
            "another name, or bring it back with: mlflow experiments restore "
            f"--experiment-id {experiment.experiment_id}"
        )
    return str(experiment.experiment_id)


def require_editable(client: Any, store: Store, name: str) -> None:
    """Refuses an experiment of others that one may only read, before anything is done for it.

    Giving an experiment the name that it has changes nothing, and needs the permission that runs
    and views need; MLflow's client has no question for it.

    Args:
        client: An `mlflow.MlflowClient`.
        store: Which store that is of; only servers have permissions.
        name: Of the experiment, which may not be there yet.

    Raises:
        InputError: The server does not let one write into it, or see it; or it is deleted.
    """
    from mlflow.exceptions import MlflowException

    if not store.tracking_uri.startswith("http"):
        return
    found = find_experiment(client, name)
    if found is None:
        return
    try:
        client.rename_experiment(found, name)
    except MlflowException as error:
        if error.error_code != "PERMISSION_DENIED":
            return  # an answer to another question
        raise InputError(
            f"experiment {name!r} is another person's, and the server lets you only read it; "
            "choose another name, or ask them to grant you EDIT"
        ) from error


def find_or_make_experiment(client: Any, store: Store, name: str) -> str:
    """The id of an experiment, which is made if there is none of that name.

    Raises:
        InputError: The experiment is deleted.
    """
    from mlflow.exceptions import MlflowException

    found = find_experiment(client, name)
    if found is not None:
        return found
    try:
        return str(client.create_experiment(name, artifact_location=_artifacts(store, name)))
    except MlflowException:
        found = find_experiment(client, name)  # another process was quicker
        if found is None:
            raise
        return found


def _artifacts(store: Store, name: str) -> str | None:
    if store.artifact_root is None:
        return None
    folder = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "experiment"
    return (store.artifact_root / folder).as_uri()


def runs_of_search(
    client: Any, experiment_id: str, search_id: str, *, deleted: bool = False
) -> list[Any]:
    """All runs of a search, oldest first, as `mlflow.entities.Run`.

    Args:
        client: `mlflow.MlflowClient` of the store.
        experiment_id: Where they are.
        search_id: Of the search.
        deleted: Find those that a person has deleted in MLflow instead.
    """
    from mlflow.entities import ViewType

    runs: list[Any] = []
    token = None
    while True:
        page = client.search_runs(
            [experiment_id],
            filter_string=f"tags.`{tags.SEARCH_ID}` = '{search_id}'",
            run_view_type=ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY,
            max_results=_PAGE,
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )
        runs.extend(page)
        token = page.token
        if not token:
            return runs
