"""The requests that write one run: create, batch, files, inputs, end, in this order."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from trialstack.tracking import tags
from trialstack.tracking.artifacts import write_files
from trialstack.tracking.base import NewRun
from trialstack.tracking.entities import batches, dataset_input, tag_values
from trialstack.tracking.pending import Pending, RunState
from trialstack.tracking.pictures import picture_files
from trialstack.tracking.store import display_uri

# Codes by which MLflow says that the same request will never be taken. Whatever else is raised
# (no answer, a locked database, a server that starts) may pass; so may a 401, which a server with
# passwords also gives when its database goes away while it looks a user up.
_REFUSALS = {
    "BAD_REQUEST",
    "ENDPOINT_NOT_FOUND",
    "FEATURE_DISABLED",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "MALFORMED_REQUEST",
    "NOT_IMPLEMENTED",
    "PERMISSION_DENIED",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
}


class RunRequests:
    """Writes what is pending of a run.

    Used by one thread. Every method either writes a part and takes it out of what is pending, or
    tells `refused` that MLflow does not want it and takes it out too, or raises and leaves it in.

    Args:
        client: An `mlflow.MlflowClient`.
        experiment_id: Gives the experiment's id, or makes the experiment.
        search_id: Value of the tag `trialstack.search_id`.
        refused: Takes a line for people.
    """

    def __init__(
        self,
        client: Any,
        experiment_id: Callable[[], str],
        search_id: str,
        refused: Callable[[str], None],
    ) -> None:
        self._client = client
        self._experiment_id = experiment_id
        self._search_id = search_id
        self._refused = refused
        self._source_tags = tags.source_tags()

    def open(self, run: RunState) -> bool:
        """Creates the run, and its parent before it, or sets a resumed one to RUNNING.

        Returns:
            Whether the store has the run.
        """
        if run.resuming:
            self._try(run, "going on with it", lambda: self._resume(run))
            run.resuming = False
        elif run.run_id is None and run.new is not None and not run.refused:
            if run.parent is not None:
                self.open(run.parent)
            new = run.new
            run.refused = not self._try(run, "creating it", lambda: self._create(run, new))
        return not run.refused

    def send(self, run: RunState, pending: Pending) -> None:
        """Writes all that is pending."""
        if pending.tables:
            run.tables.extend(path for path in pending.tables if path not in run.tables)
            pending.tags[tags.LOGGED_TABLES] = tags.logged_tables(run.tables)
            pending.tables = []
        self._send_values(run, pending)
        if pending.files or pending.pictures:
            self._try(run, "its files", lambda: self._send_files(run, pending))
            pending.files, pending.pictures = {}, {}
        if pending.datasets:
            inputs = [dataset_input(record) for record in pending.datasets]
            self._try(
                run, "its dataset", lambda: self._client.log_inputs(run.run_id, datasets=inputs)
            )
            pending.datasets = []
        if pending.end is not None:
            status, ended = pending.end
            end = int(ended * 1000)
            if not self._try(
                run, "its end", lambda: self._client.set_terminated(run.run_id, status, end)
            ):
                pending.written = []
            pending.end = None

    def _try(self, run: RunState, what: str, write: Callable[[], None]) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            write()
        except MlflowException as error:
            if error.error_code not in _REFUSALS:
                raise
            first_line = display_uri(str(error)).strip().partition("\n")[0]
            self._refused(f"run {run.key!r}: MLflow refused {what}: {first_line}")
            return False
        return True

    def _create(self, run: RunState, new: NewRun) -> None:
        experiment_id = self._experiment_id()
        started = int(new.started * 1000)
        if run.doubtful:
            run.run_id = self._find_created(new.key, started, experiment_id)
        if run.run_id is not None:
            return
        values = {
            **self._source_tags,
            tags.KIND: new.kind,
            tags.SEARCH_ID: self._search_id,
            tags.KEY: new.key,
            **new.tags,
        }
        if (colour := tags.colour_of(new.key)) is not None:
            values.setdefault(tags.COLOUR, colour)
        if new.description:
            values[tags.DESCRIPTION] = new.description
        if run.parent is not None and run.parent.run_id is not None:
            values[tags.PARENT] = run.parent.run_id
        run.doubtful = True
        created = self._client.create_run(
            experiment_id, start_time=started, tags=tag_values(values), run_name=new.name
        )
        run.run_id = created.info.run_id
        run.doubtful = False

    def _find_created(self, key: str, started: int, experiment_id: str) -> str | None:
        """A run that was created by a request whose answer never came."""
        found = self._client.search_runs(
            [experiment_id],
            filter_string=(
                f"tags.`{tags.SEARCH_ID}` = '{self._search_id}' and tags.`{tags.KEY}` = '{key}' "
                f"and attributes.start_time = {started}"
            ),
            max_results=1,
        )
        return found[0].info.run_id if found else None

    def _resume(self, run: RunState) -> None:
        known = self._client.get_run(run.run_id).data.tags
        if not run.ended:
            self._client.update_run(run.run_id, status="RUNNING")
            if tags.ERROR in known:
                self._client.delete_tag(run.run_id, tags.ERROR)
        run.tables = tags.table_paths(known.get(tags.LOGGED_TABLES, ""))

    def _send_values(self, run: RunState, pending: Pending) -> None:
        if not (pending.metrics or pending.params or pending.tags):
            return

        def send(part: Pending) -> None:
            for batch in batches(part.metrics, part.params, part.tags):
                self._client.log_batch(run.run_id, **batch)

        from mlflow.exceptions import MlflowException

        try:
            send(pending)
        except MlflowException as error:
            if error.error_code not in _REFUSALS:
                raise
            # Usually a param that was logged before with another value: one value that is
            # refused must not take the others with it.
            self._try(run, "metrics", lambda: send(Pending(metrics=pending.metrics)))
            self._try(run, "tags", lambda: send(Pending(tags=pending.tags)))
            for name, value in pending.params.items():
                self._try(run, f"param {name!r}", partial(send, Pending(params={name: value})))
        pending.metrics, pending.params, pending.tags = [], {}, {}

    def _send_files(self, run: RunState, pending: Pending) -> None:
        files = dict(pending.files)
        for path, png in pending.pictures.items():
            files.update(picture_files(path, png))
        folder = self._folder_of(run)
        if folder is not None:
            write_files(folder, files)
            return
        with tempfile.TemporaryDirectory(prefix="trialstack-") as made:
            write_files(Path(made), files)
            self._client.log_artifacts(run.run_id, made)

    def _folder_of(self, run: RunState) -> Path | None:
        """Where the run's files are, if its client knows and that is on this machine."""
        artifact_folder = getattr(self._client, "artifact_folder", None)
        return None if artifact_folder is None else artifact_folder(run.run_id)
