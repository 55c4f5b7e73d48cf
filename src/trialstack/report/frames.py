"""Comparisons and leaderboards as DataFrames: what `import trialstack` offers of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trialstack.errors import InputError
from trialstack.report.comparison import TOP, Comparison, compare_runs, compare_search
from trialstack.report.find import find_runs, find_search
from trialstack.report.runs import RunStore
from trialstack.report.search import read_search
from trialstack.report.table import comparison_columns, data_frame, leaderboard_columns

if TYPE_CHECKING:
    import pandas as pd

    from trialstack.tuners.base import TrackedTuner


def compare(
    search_or_runs: str | Sequence[str], *, top: int = TOP, tracking_uri: str | None = None
) -> pd.DataFrame:
    """The best trials of a search beside its baseline and final model; or chosen runs.

    Args:
        search_or_runs: `NAME` of an experiment, for its latest search, or `NAME@SEARCH_RUN_ID`; or
            a list of two or more run ids of any experiments. Beginnings of ids will do.
        top: So many trials at most.
        tracking_uri: MLflow store; by default `MLFLOW_TRACKING_URI`, or the embedded store under
            the current directory.

    Returns:
        One row a run: `experiment`, `kind`, `name`, `rank`, `objective`, `score`, `best_epoch`,
        `epochs`, `seconds`, `weights`, `status`; the test scores with their intervals (`test_auc`,
        `test_auc_ci_low`, ...), the hyperparameters that differ, and `run_id`. Its `attrs` hold
        `paired_tests`, `not_tested` and `links` as `trialstack compare --json` prints them.

    Raises:
        InputError: There is no such store, experiment, search or run, or no trial has a score.

    Example:
        ```python
        frame = trialstack.compare("breast-cancer", top=5)
        frame.attrs["paired_tests"][0]["sentence"]
        ```
    """
    comparison = compared_runs(RunStore.at(tracking_uri), search_or_runs, top)
    frame = data_frame(comparison_columns(comparison))
    document = comparison.as_dict()
    frame.attrs = {key: document[key] for key in ("paired_tests", "not_tested", "links")}
    return frame


def leaderboard(search: str | TrackedTuner, *, tracking_uri: str | None = None) -> pd.DataFrame:
    """All trials of a search, the best first, failed ones last with their reasons.

    Args:
        search: `NAME` of an experiment, for its latest search, or `NAME@SEARCH_RUN_ID`; or a tuner
            such as `trialstack.RandomSearch`, whose own record is then read instead of MLflow.
        tracking_uri: See `compare`.

    Returns:
        One row a trial: `rank`, `trial` (its number, from 0, as in the names of runs), `trial_id`
        (Keras Tuner's), the score (`best_val_auc`, if the objective is `val_auc`), `best_epoch`,
        `epochs_run`, `seconds`, `status`, its hyperparameters, `reason`, and, of a search that was
        read from MLflow, `run_id`.

    Raises:
        InputError: There is no such store, experiment or search.

    Example:
        ```python
        trialstack.leaderboard("breast-cancer").plot.scatter("learning_rate", "best_val_auc")
        ```
    """
    if not isinstance(search, str):
        from trialstack.report.of_tuner import trials_of_tuner

        columns = leaderboard_columns(trials_of_tuner(search), search.trialstack_objective)
        return data_frame(columns)
    runs = RunStore.at(tracking_uri)
    found = read_search(runs, find_search(runs, search))
    return data_frame(leaderboard_columns(found.trials, found.objective))


def compared_runs(
    runs: RunStore, search_or_runs: str | Sequence[str], top: int = TOP
) -> Comparison:
    """What `compare` makes a DataFrame of.

    Args:
        runs: The store.
        search_or_runs: See `compare`.
        top: So many trials at most.

    Raises:
        InputError: See `compare`.
    """
    if top < 1:
        raise InputError(f"top: {top} came; give an integer from 1")
    if isinstance(search_or_runs, str):
        return compare_search(runs, read_search(runs, find_search(runs, search_or_runs)), top)
    return compare_runs(runs, find_runs(runs, search_or_runs))
