"""What lets a search be done again, and told of, by what MLflow holds alone."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform

from trialstack.experiment import Experiment
from trialstack.experiment.writing import toml_text
from trialstack.pipeline.job import Job
from trialstack.pipeline.release import release_rows
from trialstack.pipeline.search import seconds_of_search, trials_stacked
from trialstack.report.page.facts import EXPERIMENT_FILE
from trialstack.tracking.base import Tracker
from trialstack.tracking.tags import SEARCH_SECONDS, STACKED, VERSIONS
from trialstack.tuners.search_run import PARENT

REPORT_FILE = "report.html"

PACKAGES = ("trialstack", "keras", "keras-tuner", "tensorflow", "mlflow", "numpy", "scikit-learn")
HEADER = "# All settings of this search. What it names lies beside the file that it was made of.\n"


def log_provenance(job: Job) -> None:
    """Writes the versions, and the experiment with every default, on the search's run."""
    job.tracker.set_tags(PARENT, {VERSIONS: json.dumps(versions())})
    log_experiment(job.tracker, job.experiment)


def log_experiment(tracker: Tracker, experiment: Experiment) -> None:
    """Writes the experiment with every default on the search's run."""
    text = HEADER + toml_text(experiment.resolved())
    tracker.log_file(PARENT, EXPERIMENT_FILE, text.encode())


def versions() -> dict[str, str]:
    """Name -> version of what computes here, and on what."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # tensorflow-cpu, say
            continue
    return found | {"system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"}


def log_report(job: Job) -> None:
    """Writes the report on the search's run, once all else of the search is in the store.

    Whatever goes wrong costs the report only: `trialstack report` makes it at any time.
    """
    from trialstack.report.page.write import search_html
    from trialstack.report.runs import RunStore
    from trialstack.report.search import read_search

    release_rows(job.data.X.nbytes)
    journal = job.search.journal
    seconds, stacked = seconds_of_search(journal), trials_stacked(journal)
    job.tracker.set_tags(PARENT, {SEARCH_SECONDS: f"{seconds:.3f}", STACKED: str(stacked)})
    job.tracker.flush()
    try:
        runs = RunStore(job.store, job.client)
        wanted = f"attributes.run_id = '{job.tracker.run_id(PARENT)}'"
        (run,) = runs.where(wanted, [job.tracker.experiment_id])
        text = search_html(runs, read_search(runs, run))
        job.tracker.log_file(PARENT, REPORT_FILE, text.encode())
    except Exception as error:
        job.listener.warning(f"the search's run has no report: {type(error).__name__}: {error}")
