"""Addresses of the MLflow UI's pages.

All carry `workflowType=machine_learning`: a browser that sees MLflow for the first time would
otherwise land on its pages for language models.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from trialstack.tracking.store import Store
from trialstack.tracking.views import trials_filter

DEFAULT_BASE = "http://127.0.0.1:5000"
_MODE = "workflowType=machine_learning"


def base_url(store: Store) -> str:
    """Where a store's UI answers: the server itself, or where `trialstack ui` starts one."""
    return store.tracking_uri if store.tracking_uri.startswith("http") else DEFAULT_BASE


@dataclass(frozen=True)
class Links:
    """Addresses of one experiment.

    Attributes:
        base: Address of the server, such as `http://127.0.0.1:5000`.
        experiment_id: The store's id.

    Example:
        >>> Links("http://127.0.0.1:5000", "3").run("c0ffee")
        'http://127.0.0.1:5000/#/experiments/3/runs/c0ffee?workflowType=machine_learning'
    """

    base: str
    experiment_id: str

    def experiment(self) -> str:
        """All runs of the experiment."""
        return self._page(f"/experiments/{self.experiment_id}/runs")

    def trials(self, parent_run_id: str, objective: str, direction: str) -> str:
        """The trials of a search as a flat table, best first.

        Args:
            parent_run_id: Id of the search's run.
            objective: Metric to sort by, such as `best_val_auc`. (Sorted by time the UI would
                fold them into one row.)
            direction: `"max"` or `"min"`.
        """
        return self._page(
            f"/experiments/{self.experiment_id}/runs",
            searchFilter=trials_filter(parent_run_id),
            orderByKey=f"metrics.`{objective}`",
            orderByAsc="true" if direction == "min" else "false",
        )

    def view(self, share_key: str, *, charts: bool = False) -> str:
        """A saved view.

        Args:
            share_key: As `trialstack.tracking.views.save_views` returns it.
            charts: Opens its charts instead of its table.
        """
        more = {"compareRunsMode": "CHART"} if charts else {}
        return self._page(
            f"/experiments/{self.experiment_id}/runs", viewStateShareKey=share_key, **more
        )

    def run(self, run_id: str, tab: str = "") -> str:
        """A run's page.

        Args:
            run_id: Its id.
            tab: `"model-metrics"`, `"artifacts"` or `"artifacts/PATH"`; the overview if empty.
        """
        return self._page(f"/experiments/{self.experiment_id}/runs/{run_id}{tab and '/' + tab}")

    def compare(self, run_ids: Sequence[str], experiment_ids: Sequence[str] = ()) -> str:
        """Runs side by side.

        Args:
            run_ids: Their ids.
            experiment_ids: Where they are, if not all in this experiment.
        """
        return self._page("/compare-runs", **self._chosen(run_ids, experiment_ids))

    def metric(self, run_ids: Sequence[str], name: str, experiment_ids: Sequence[str] = ()) -> str:
        """The curves of one metric of some runs, over epochs.

        Args:
            run_ids: Their ids.
            name: Of the metric.
            experiment_ids: Where the runs are, if not all in this experiment.
        """
        return self._page(
            "/metric",
            **self._chosen(run_ids, experiment_ids),
            metric=json.dumps(name),
            plot_metric_keys=json.dumps([name]),
            x_axis="step",
        )

    def model_version(self, name: str, version: int | str) -> str:
        """A version of a registered model."""
        return self._page(f"/models/{quote(name, safe='')}/versions/{version}")

    def _chosen(self, run_ids: Sequence[str], experiment_ids: Sequence[str]) -> dict[str, str]:
        compact = (",", ":")
        return {
            "runs": json.dumps(list(run_ids), separators=compact),
            "experiments": json.dumps(
                list(experiment_ids) or [self.experiment_id], separators=compact
            ),
        }

    def _page(self, path: str, **query: str) -> str:
        parts = [f"{name}={quote(value, safe='')}" for name, value in query.items()]
        return f"{_masked(self.base)}/#{path}?{'&'.join([*parts, _MODE])}"


def within_ui(address: str) -> str:
    """A page's address for a link on another page: right wherever the UI runs.

    Example:
        >>> within_ui("http://127.0.0.1:5000/#/models/rings/versions/1")
        '#/models/rings/versions/1'
    """
    return f"#{address.partition('#')[2]}"


def _masked(base: str) -> str:
    """Links are printed: without the credentials that the server's address may hold."""
    scheme, _, rest = base.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
