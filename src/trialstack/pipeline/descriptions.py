"""What stands at the top of the MLflow pages of the models that a search makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialstack.errors import TrialstackError
from trialstack.markdown import escaped, link
from trialstack.pipeline.data_warnings import warnings_text
from trialstack.pipeline.ensemble import MEMBERS
from trialstack.pipeline.job import BASELINE, FINAL, Job, NotWrittenError
from trialstack.pipeline.refit import final_epochs
from trialstack.pipeline.result import RegisteredModel
from trialstack.registry.history import CHAMPION
from trialstack.tracking.links import within_ui
from trialstack.tracking.tags import MODEL, TEST_AUC
from trialstack.tuners.search_run import PARENT, SearchRun
from trialstack.tuners.trial_row import TrialRow

VIEWS = {
    "trials": "trials, best first",
    "curves": "learning curves",
    "boundaries": "decision boundaries",
    "parallel": "hyperparameters",
}
"""Saved views to which the search's page links -> what they show."""


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
    alias = f" with the alias `{model.alias}`" if model.alias else ""
    parts = [
        f"{line}.",
        _origin(job, run, best),
        f"Registered as {_version(job, model)}{alias}: {model.reason}.",
        job.experiment.description,
    ]
    job.tracker.attach_run(FINAL, _final_run_id(job))
    job.tracker.describe(FINAL, "\n\n".join(part for part in parts if part))


def describe_version(job: Job, run: SearchRun, best: TrialRow, line: str) -> str:
    """What the page of the registered version says.

    Args:
        job: The job, whose final fit is recorded.
        run: The search's run.
        best: The winner.
        line: The result; lists of versions show its beginning, without Markdown.
    """
    final = _link("final run", job.tracker.links.run(_final_run_id(job)))
    return (
        f"{line.replace('**', '')}.\n\n"
        f"{_origin(job, run, best)} The {final} has the scores, the pictures and the file of test "
        "predictions."
    )


def describe_model(job: Job) -> str:
    """What the page of the registered model says when it is made."""
    name = job.experiment.name
    rows = "DataFrame with the columns that its inputs name"
    code = (
        "```python\nimport mlflow\n\n"
        f'model = mlflow.pyfunc.load_model("models:/{name}@{CHAMPION}")\n'
        f"model.predict(frame)  # a {rows}\n```"
    )
    return f"{job.experiment.description}\n\n{code}".strip()


def describe_search(
    job: Job, run: SearchRun, best: TrialRow, model: RegisteredModel, views: Mapping[str, str]
) -> str:
    """What the search's own page says below the result.

    Args:
        job: The job, whose final fit is recorded.
        run: The search's run.
        best: The winner.
        model: The version that was made of it.
        views: Saved views of the search: name -> key.
    """
    links = job.tracker.links
    final = _link("the final model", links.run(_final_run_id(job)))
    pages = [
        _link(text, links.view(views[name], charts=name != "trials"))
        for name, text in VIEWS.items()
        if name in views
    ]
    look = f"Side by side: {', '.join(pages)}. " if pages else ""
    others = len(members_of(job, run)) - 1
    who = f" and {others} other trial{'s' * (others > 1)}" if others > 0 else ""
    text = (
        f"{look}The best, {_trial(job, run, best)},{who} became {final}, which is registered as "
        f"{_version(job, model)}. {job.experiment.description}"
    ).rstrip()
    return "\n\n".join(part for part in (text, warnings_text(job.data.warnings)) if part)


def tag_outcome(job: Job, best: TrialRow, run: SearchRun, model: RegisteredModel) -> None:
    """Marks the search and its winner with what came of them.

    In short, since the columns of MLflow's tables of runs are narrow.
    """
    version = {MODEL: f"v{model.version}"}
    scores = job.done_stage(FINAL)["data"]["scores"]  # type: ignore[index] # it is recorded
    tested = {TEST_AUC: f"{scores['auc']:.4f}"} if job.data.test else {}
    job.tracker.set_tags(PARENT, version | tested)
    for row in members_of(job, run) or [best]:
        job.tracker.attach_run(row.key, run.run_id_of(row))
        job.tracker.set_tags(row.key, version)


def members_of(job: Job, run: SearchRun) -> list[TrialRow]:
    """Trials that the final model is the mean of, the best first; none = it is of one trial.

    Args:
        job: The job, whose final fit is recorded.
        run: The search's run.
    """
    recorded = job.done_stage(FINAL)["data"].get("members", {})  # type: ignore[index] # it is done
    return [row for row in run.ranking() if row.trial_id in recorded]


def _origin(job: Job, run: SearchRun, best: TrialRow) -> str:
    members = members_of(job, run)
    if len(members) > 1:
        trials = ", ".join(_short_link(job, run, row) for row in members)
        return (
            f"The mean of {len(members)} networks (`{MEMBERS}`) with the hyperparameters of "
            f"{trials}, the best of {_search(job)}, each fitted on all "
            f"{len(job.data.split.train)} training rows."
        )
    best = members[0] if members else best
    epochs = final_epochs(job, best)
    return (
        f"The hyperparameters of {_trial(job, run, best)}, the best of {_search(job)}, fitted on "
        f"all {len(job.data.split.train)} training rows in {epochs} epoch{'s' * (epochs != 1)}."
    )


def _final_run_id(job: Job) -> str:
    done = job.done_stage(FINAL)
    assert done is not None
    return str(done["data"]["run_id"])


def _trial(job: Job, run: SearchRun, row: TrialRow) -> str:
    return _link(escaped(row.name), job.tracker.links.run(run.run_id_of(row)))


def _short_link(job: Job, run: SearchRun, row: TrialRow) -> str:
    """A trial without its hyperparameters."""
    return _link(row.name.partition(" · ")[0], job.tracker.links.run(run.run_id_of(row)))


def _search(job: Job) -> str:
    try:
        address = job.tracker.links.run(job.tracker.run_id(PARENT))
    except TrialstackError as error:  # the store has gone away, which is no fault of the step's
        raise NotWrittenError(str(error)) from error
    return _link("its search", address)


def _version(job: Job, model: RegisteredModel) -> str:
    return _link(f"`{model.uri}`", job.tracker.links.model_version(model.name, model.version))


def _link(text: str, address: str) -> str:
    return link(text, within_ui(address))
