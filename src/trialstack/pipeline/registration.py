"""From the fitted final model to a version of the registered model."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.base import ROWS_AT_ONCE
from trialstack.evaluation.comparison import compare_auc
from trialstack.pipeline.descriptions import describe_model
from trialstack.pipeline.final import FinalModel
from trialstack.pipeline.fits import failed_on_error
from trialstack.pipeline.job import FINAL, Job
from trialstack.pipeline.release import release_rows
from trialstack.pipeline.result import RegisteredModel
from trialstack.registry.champion import Candidate, register
from trialstack.registry.evidence import Evidence, evidence_files, read_evidence, row_hashes
from trialstack.registry.fresh import FreshProcess, probabilities_of, verify
from trialstack.registry.leftovers import delete_unregistered
from trialstack.registry.loading import checked_version
from trialstack.registry.package import LoggedModelRef, log_model
from trialstack.registry.reference import ModelReference
from trialstack.tuners.search_run import PARENT

if TYPE_CHECKING:
    import pandas as pd


def log_final_model(job: Job, final: FinalModel, fresh: FreshProcess) -> None:
    """Logs the model on its run, and proves in a fresh process that it is the one that was scored.

    Raises:
        ModelRefusedError: It does not load there, or says something else.
    """
    job.listener.stage("checking the model in a fresh process")
    with failed_on_error(job.tracker, FINAL):
        model = _log_and_verify(job, final, fresh)
    job.save_array(FINAL, final.probabilities)
    job.record_run_stage(
        FINAL,
        {
            "model_id": model.model_id,
            "uri": model.uri,
            "files_sha256": model.files_sha256,
            "epochs": final.epochs,
            "scores": final.scores,
            "members": {member.row.trial_id: member.times for member in final.members},
        },
    )
    job.tracker.end_run(FINAL, "FINISHED", time.time())


def _log_and_verify(job: Job, final: FinalModel, fresh: FreshProcess) -> LoggedModelRef:
    dataset, prefix = job.data.dataset, "test_" if job.data.test else ""
    for path, content in evidence_files(_evidence(job, final)).items():
        job.tracker.log_file(FINAL, path, content)
    job.wait_until_written(FINAL)
    release_rows(job.data.X.nbytes)
    frame = judged_frame(job)
    run_id, experiment_id = job.tracker.run_id(FINAL), job.tracker.experiment_id
    try:
        model = log_model(
            job.client,
            run_id=run_id,
            experiment_id=experiment_id,
            model=final.model,
            feature_names=dataset.feature_names,
            columns_with_missing=[c.name for c in dataset.schema or () if c.has_missing],
            preparation=job.data.preparation,
            classes=dataset.classes,
            example_frame=frame.head(3),
            metric_names=[
                f"{prefix}{name}" for name, score in final.scores.items() if type(score) is float
            ],
        )
        verify(fresh, model.uri, job.store.tracking_uri, frame, final.probabilities)
    except KeyboardInterrupt:  # the next process makes a model of its own
        with contextlib.suppress(Exception):  # the store may be gone
            delete_unregistered(job.client, experiment_id, run_id)
        raise
    return model


def delete_interrupted_models(job: Job) -> None:
    """Deletes the models of final runs that came to nothing: stopped, or failed."""
    recorded = {entry["data"]["run_id"] for entry in job.search.journal.stages(FINAL)}
    for run in job.tracker.known_runs():
        if run.key == FINAL and run.status in {"KILLED", "FAILED"} and run.run_id not in recorded:
            delete_unregistered(job.client, job.tracker.experiment_id, run.run_id)


def register_final_model(job: Job, fresh: FreshProcess, description: str) -> RegisteredModel:
    """Makes the version and decides about the champion, from what the journal and the run hold."""
    job.listener.stage("registering the model")
    done = job.done_stage(FINAL)
    assert done is not None
    recorded = done["data"]
    evidence = read_evidence(job.client, recorded["run_id"])
    assert evidence is not None
    candidate = Candidate(
        LoggedModelRef(recorded["model_id"], recorded["uri"], recorded["files_sha256"]),
        recorded["run_id"],
        job.search.journal.search_id,
        job.tracker.run_id(PARENT),
        job.data.digest,
        recorded["scores"]["auc"] if job.data.test else None,
        evidence,
        description,
    )

    def score_champion(uri: str) -> NDArray[np.float64]:
        frame = judged_frame(job)
        with checked_version(job.client, ModelReference.parse(uri)) as champion:
            folder = str(champion.folder)
            return probabilities_of(fresh.predict(folder, job.store.tracking_uri, frame))

    version = register(
        job.client,
        job.experiment.name,
        candidate,
        compare=compare_auc,
        score_champion=score_champion if job.data.test else None,
        description=describe_model(job),
    )
    return RegisteredModel(
        version.name, version.version, version.alias, version.uri, version.reason
    )


def judged_frame(job: Job) -> pd.DataFrame:
    """The rows that the final model is judged by, as a user's table has them."""
    data = job.data
    return data.frame(data.split.test if data.test else data.split.train)


def _evidence(job: Job, final: FinalModel) -> Evidence:
    data, names = job.data, job.data.dataset.feature_names
    categories = [column.categories for column in data.dataset.schema or ()]

    def hashes(indices: NDArray[np.int64]) -> NDArray[np.uint64]:
        # Some rows at a time: together the training rows would be a copy of most of the table.
        return np.concatenate(
            [
                row_hashes(data.dataset.X[indices[start : start + ROWS_AT_ONCE]], names, categories)
                for start in range(0, max(len(indices), 1), ROWS_AT_ONCE)
            ]
        )

    test = data.test
    nothing: Any = np.empty((0, len(data.dataset.classes)))
    return Evidence(
        test_digest=data.test_digest,
        feature_names=names,
        classes=data.dataset.classes,
        y_test=test.y if test else np.empty(0, np.int64),
        probabilities_test=final.probabilities if test else nothing,
        training_row_hashes=np.sort(hashes(data.split.train)),
        test_row_hashes=hashes(data.split.test),
    )
