"""What stands at the top of the MLflow pages of the models that a search makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialstack.pipeline.final import final_epochs
from trialstack.pipeline.job import BASELINE, FINAL, Job
from trialstack.pipeline.result import RegisteredModel
from trialstack.tracking.links import within_ui
from trialstack.tuners.search_run import PARENT, SearchRun
from trialstack.tuners.trial_row import TrialRow


def headline(job: Job, scores: Mapping[str, Any], sentence: str = "") -> str:
    """The result in one line, which is all that a run's page shows at first.

    Args:
        job: Whose rows were scored.
        scores: As `Evaluation.as_dict` has them.
        sentence: The comparison with the baseline, if there is one.
    """
    low, high = scores["auc_ci"]
    rows = "test" if job.data.test else "training"
    line = f"AUC **{scores['auc']:.4f}** ({low:.4f} to {high:.4f}) on {scores['rows']} {rows} rows"
    return f"{line}; {sentence}" if sentence else line


def describe_baseline(job: Job, scores: Mapping[str, Any] | None) -> None:
    """Describes the baseline's run, which is open."""
    result = f"{headline(job, scores)}.\n\n" if scores else ""
    text = f"The naive model that the final model of {_search(job)} is compared with."
    job.tracker.describe(BASELINE, result + text)


def describe_final(
    job: Job, run: SearchRun, best: TrialRow, line: str, model: RegisteredModel
) -> None:
    """Describes the final run, be it of this process or of an earlier one.

    Args:
        job: The job, whose final fit is recorded.
        run: The search's run.
        best: The winner.
        line: The result.
        model: The version that was made of it.
    """
    epochs = final_epochs(job, best)
    alias = f" with the alias `{model.alias}`" if model.alias else ""
    parts = [
        f"{line}.",
        f"The hyperparameters of {_trial(job, run, best)}, the best of {_search(job)}, fitted on "
        f"all {len(job.data.train)} training rows in {epochs} epoch{'s' * (epochs != 1)}.",
        f"Registered as {_version(job, model)}{alias}: {model.reason}.",
        job.experiment.description,
    ]
    job.tracker.attach_run(FINAL, _final_run_id(job))
    job.tracker.describe(FINAL, "\n\n".join(part for part in parts if part))


def search_text(job: Job, run: SearchRun, best: TrialRow, model: RegisteredModel) -> str:
    """What the search's own page says below the result."""
    final = _link("the final model", job.tracker.links.run(_final_run_id(job)))
    text = (
        f"The best, {_trial(job, run, best)}, became {final}, which is registered as "
        f"{_version(job, model)}."
    )
    return f"{text} {job.experiment.description}".rstrip()


def _final_run_id(job: Job) -> str:
    done = job.done_stage(FINAL)
    assert done is not None
    return str(done["data"]["run_id"])


def _trial(job: Job, run: SearchRun, row: TrialRow) -> str:
    return _link(_escaped(row.name), job.tracker.links.run(run.run_id_of(row)))


def _search(job: Job) -> str:
    return _link("its search", job.tracker.links.run(job.tracker.run_id(PARENT)))


def _version(job: Job, model: RegisteredModel) -> str:
    return _link(f"`{model.uri}`", job.tracker.links.model_version(model.name, model.version))


def _link(text: str, address: str) -> str:
    return f"[{text}]({within_ui(address)})"


def _escaped(text: str) -> str:
    """A name in which nothing is taken for Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>" else c for c in text)
