"""A search in words, the result first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from trialstack.durations import shown_duration
from trialstack.report.compared import ComparedRun
from trialstack.report.importance import Importances
from trialstack.report.page.entries import shown_score
from trialstack.report.page.facts import search_seconds
from trialstack.report.paired import PairedTest
from trialstack.report.search import StoredSearch, Trial
from trialstack.tracking.tags import STACKED

NAMED_HYPERPARAMETERS = 2
NAMED_REASONS = 3


def result(search: StoredSearch, models: Sequence[ComparedRun]) -> str:
    """What came of it, in one sentence.

    Args:
        search: The search.
        models: Its baseline and final model, as far as they were scored on test rows.
    """
    final = next((model for model in models if model.run.kind == "final"), None)
    if final is not None and final.test and final.test.get("auc") is not None:
        interval = final.test.get("auc_ci")
        sure = (
            f" (95 % interval {shown_score(interval[0])} to {shown_score(interval[1])})"
            if interval and None not in interval
            else ""
        )
        rows = f"{final.test_rows} " if final.test_rows else ""
        auc = shown_score(final.test["auc"])
        return f"The final model has an AUC of {auc}{sure} on {rows}sealed test rows."
    if not search.ranking:
        running = search.run.status == "RUNNING"
        return f"No trial has come to a score{' yet' if running else ''}."
    best = search.ranking[0]
    so_far = " so far" if search.run.status == "RUNNING" else ""
    name = search.objective.name
    return f"The best {name}{so_far} is {shown_score(best.score)}, by {_named(best)}."


def sentences(
    search: StoredSearch, tested: Sequence[PairedTest], importances: Importances
) -> list[str]:
    """What a reader should know beside the result."""
    found = [_capitalised(test.sentence) + "." for test in tested]
    if search.ranking and search.final is not None:
        found.append(_winner(search))
    found += [_ties(search), _importance(search, importances), _failures(search), _effort(search)]
    if search.model is not None:
        alias = f", the {search.model.alias}" if search.model.alias else ""
        why = f": {search.model.reason}" if search.model.reason else ""
        found.append(f"Registered as {search.model.uri}{alias}{why}.")
    return [sentence for sentence in found if sentence]


def state(search: StoredSearch) -> str:
    """That a search is not done, where it is not; empty otherwise."""
    count, most = len(search.trials), search.max_trials
    of_all = f"{count} of {most}" if most and most >= count else str(count)
    if search.run.status == "RUNNING":
        return f"This search is still running: {of_all} trials have begun."
    if search.run.status in {"KILLED", "FAILED"}:
        ended = "was broken off" if search.run.status == "KILLED" else "failed"
        reason = search.run.tags.get("trialstack.error", "")
        return f"This search {ended} after {of_all} trials{f': {reason}' if reason else ''}."
    return ""


def reasons(search: StoredSearch) -> list[tuple[str, int]]:
    """Why trials failed, and how many of each, the most frequent first."""
    failed = search.with_status("FAILED")
    return Counter(trial.reason or "no reason is recorded" for trial in failed).most_common()


def _winner(search: StoredSearch) -> str:
    best = search.ranking[0]
    at = (
        f" in epoch {best.best_epoch} (of 0 to {best.epochs_run - 1})"
        if best.best_epoch is not None and best.epochs_run
        else ""
    )
    score = f"{search.objective.name} {shown_score(best.score)}{at}"
    of = f"the best of {_count(search)}, {_named(best)}"
    return f"The final model has the hyperparameters of {of}: {score}."


def _ties(search: StoredSearch) -> str:
    ranking = search.ranking
    same = sum(trial.score == ranking[0].score for trial in ranking) if ranking else 0
    if same < 2:
        return ""
    return (
        f"{same} trials share the best {search.objective.name}; the one that was asked first won, "
        "so its hyperparameters are no better than theirs."
    )


def _importance(search: StoredSearch, importances: Importances) -> str:
    sure = [one for one in importances.ranking if one.low > 0][:NAMED_HYPERPARAMETERS]
    if not importances.ranking:
        return ""
    if not importances.is_telling or not sure:
        return "No hyperparameter can be shown to have made the difference."
    return f"What told good trials from bad ones: {', then '.join(one.name for one in sure)}."


def _failures(search: StoredSearch) -> str:
    failed = search.with_status("FAILED")
    if not failed:
        return ""
    parts = [f"{reason} ({count})" for reason, count in reasons(search)[:NAMED_REASONS]]
    more = len(reasons(search)) - len(parts)
    others = f"; and {more} other reason{'s' * (more > 1)}" if more else ""
    return f"{len(failed)} trial{'s' * (len(failed) > 1)} failed: {'; '.join(parts)}{others}."


def _effort(search: StoredSearch) -> str:
    seconds = search_seconds(search)
    epochs = sum(trial.epochs_run or 0 for trial in search.trials)
    if seconds is None or not epochs:
        return ""
    stacked = search.run.tags.get(STACKED, "")
    in_stacks = f", {stacked} of them in stacks" if stacked.isdecimal() and int(stacked) else ""
    between = f"{in_stacks}," if in_stacks else ""
    took = f"took {shown_duration(seconds)} for {epochs} epochs"
    return f"{_count(search)}{between} {took}."


def _count(search: StoredSearch) -> str:
    count = len(search.trials)
    return f"{count} trial{'s' * (count != 1)}"


def _named(trial: Trial) -> str:
    label, _, detail = trial.name.partition(" · ")
    return f"{label} ({detail})" if detail else label


def _capitalised(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
