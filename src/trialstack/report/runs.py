"""The runs of an MLflow store as plain values, read in few requests."""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialstack.errors import InputError
from trialstack.tracking import tags
from trialstack.tracking.store import Store, display_uri, open_client, resolve_store

Value = bool | int | float | str
"""A hyperparameter, or another param, as it was before it became text."""

PAGE = 1000
"""Runs of a request; MLflow's servers take no more by default."""

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[-+]?\d+)?", re.IGNORECASE)
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class StoredRun:
    """A run as MLflow holds it.

    Attributes:
        run_id: Its id.
        experiment_id: Of its experiment.
        experiment: Its experiment's name.
        name: As people see it.
        kind: `search`, `trial`, `baseline`, `final` or `model`; empty for a run of others.
        status: `RUNNING`, `FINISHED`, `FAILED` or `KILLED`.
        started: Seconds since the epoch.
        ended: Seconds since the epoch; None while it runs.
        params: By name.
        metrics: By name; of the highest step.
        tags: By name.
        data: Name and digest (36 characters) of the data set that is its input; None if none is.
        artifact_uri: Where its files are.
    """

    run_id: str
    experiment_id: str
    experiment: str
    name: str
    kind: str
    status: str
    started: float
    ended: float | None
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    data: tuple[str, str] | None
    artifact_uri: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return round(self.ended - self.started, 3) if self.ended is not None else None

    @property
    def parent_id(self) -> str:
        """Id of the run that it belongs to; empty if it stands alone."""
        return self.tags.get(tags.PARENT, "")

    @property
    def values(self) -> dict[str, Value]:
        """Its params, as numbers and truth values where they are."""
        return {name: parse_value(text) for name, text in self.params.items()}


def parse_value(text: str) -> Value:
    """What a param was before it was written as text.

    Example:
        >>> [parse_value(text) for text in ("31", "1e-5", "true", "relu", "007", "nan")]
        [31, 1e-05, True, 'relu', '007', 'nan']
    """
    if text in _TRUTH:
        return _TRUTH[text]
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if text.removeprefix("-").isdecimal() else float(text)


class RunStore:
    """Reads runs.

    Args:
        store: Where they are.
        client: An `mlflow.MlflowClient` of that store, if there is one already.

    Raises:
        InputError: The store cannot be reached or read.
    """

    def __init__(self, store: Store, client: Any = None) -> None:
        self.store = store
        self.client = open_client(store) if client is None else client

    @classmethod
    def at(cls, tracking_uri: str | None) -> RunStore:
        """Opens the store of a URI, or the default one, which is not made if it is not there.

        Raises:
            InputError: There is no store, or it cannot be used.
        """
        store = resolve_store(tracking_uri)
        file = store.sqlite_file
        if file is not None and not file.exists():
            raise InputError(
                f"tracking store {file}: no such file, hence no runs; search first (trialstack "
                "tune EXPERIMENT.toml), or name another store with --tracking-uri"
            )
        return cls(store)

    @property
    def uri(self) -> str:
        """The store's address without credentials."""
        return display_uri(self.store.tracking_uri)

    @functools.cached_property
    def experiments(self) -> dict[str, str]:
        """Id -> name of all experiments that are not deleted, the newest first."""
        found: dict[str, str] = {}
        token = None
        while True:
            page = self.client.search_experiments(max_results=PAGE, page_token=token)
            found |= {str(one.experiment_id): str(one.name) for one in page}
            token = page.token
            if not token:
                return found

    def where(
        self,
        condition: str,
        experiment_ids: Sequence[str] | None = None,
        *,
        newest_first: bool = False,
        most: int | None = None,
    ) -> list[StoredRun]:
        """Runs that are not deleted.

        Args:
            condition: In MLflow's filter language.
            experiment_ids: Where to look; in all experiments by default.
            newest_first: In the order of their starts, otherwise oldest first.
            most: So many at most.
        """
        wanted = list(self.experiments) if experiment_ids is None else list(experiment_ids)
        runs: list[StoredRun] = []
        token = None
        while wanted:
            page = self.client.search_runs(
                wanted,
                filter_string=condition,
                max_results=min(most - len(runs), PAGE) if most is not None else PAGE,
                order_by=[f"attributes.start_time {'DESC' if newest_first else 'ASC'}"],
                page_token=token,
            )
            runs += [self._stored(run) for run in page]
            token = page.token
            if not token or (most is not None and len(runs) >= most):
                break
        return runs

    def with_ids(self, run_ids: Sequence[str]) -> dict[str, StoredRun]:
        """Runs by their whole ids; those that are not there are left out."""
        if not run_ids:
            return {}
        ids = ", ".join(f"'{run_id}'" for run_id in dict.fromkeys(run_ids))
        return {run.run_id: run for run in self.where(f"attributes.run_id IN ({ids})")}

    def list_files(self, run: StoredRun, folder: str) -> list[str]:
        """Paths of the files in a folder of a run's artifacts, in alphabetical order.

        Args:
            run: Whose files.
            folder: Such as `images`.

        Returns:
            Empty where there is no such folder, or the artifacts cannot be reached.
        """
        from mlflow.exceptions import MlflowException

        try:
            if (root := _local_root(run)) is not None:
                return sorted(f"{folder}/{path.name}" for path in (root / folder).iterdir())
            found = self._files_of(run).list_artifacts(folder)
        except (MlflowException, OSError):
            return []
        return sorted(entry.path for entry in found if not entry.is_dir)

    def read_file(self, run: StoredRun, path: str) -> bytes | None:
        """An artifact of a run; None if it is not there.

        What lies on this machine's disk is read from there: MLflow takes 20 ms to copy a file.
        """
        from mlflow.exceptions import MlflowException

        with tempfile.TemporaryDirectory(prefix="trialstack-") as folder:
            try:
                if (root := _local_root(run)) is not None:
                    return (root / path).read_bytes()
                return Path(self._files_of(run).download_artifacts(path, folder)).read_bytes()
            except (MlflowException, OSError):
                return None

    def _files_of(self, run: StoredRun) -> Any:
        """MLflow's way to a run's files; its client would ask for the run and its models again."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        return get_artifact_repository(run.artifact_uri, tracking_uri=self.client.tracking_uri)

    def _stored(self, run: Any) -> StoredRun:
        info, data = run.info, run.data
        inputs = [given.dataset for given in run.inputs.dataset_inputs] if run.inputs else []
        return StoredRun(
            run_id=info.run_id,
            experiment_id=str(info.experiment_id),
            experiment=self.experiments.get(str(info.experiment_id), ""),
            name=info.run_name or info.run_id[:8],
            kind=data.tags.get(tags.KIND, ""),
            status=info.status,
            started=info.start_time / 1000,
            ended=info.end_time / 1000 if info.end_time else None,
            params=data.params,
            metrics=data.metrics,
            tags=data.tags,
            data=(inputs[0].name, inputs[0].digest) if inputs else None,
            artifact_uri=info.artifact_uri or "",
        )


def _local_root(run: StoredRun) -> Path | None:
    """The folder of a run's files, if it is on this machine."""
    from mlflow.utils.file_utils import local_file_uri_to_path
    from mlflow.utils.uri import is_local_uri

    if not run.artifact_uri or not is_local_uri(run.artifact_uri):
        return None
    return Path(local_file_uri_to_path(run.artifact_uri))
