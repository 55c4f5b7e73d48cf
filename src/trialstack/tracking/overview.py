"""An experiment's own page: its description, and where one begins to look at it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trialstack.markdown import link
from trialstack.tracking import tags
from trialstack.tracking.charts import VIEW_TAG
from trialstack.tracking.ladder_views import MODELS_KEY
from trialstack.tracking.links import Links, within_ui
from trialstack.tracking.views import SEARCHES_KEY


def describe_experiment(
    client: Any, experiment_id: str, description: str, pages: Mapping[str, str]
) -> None:
    """Describes an experiment that has no description yet.

    One that is there may have been written by hand.

    Args:
        client: An `mlflow.MlflowClient`.
        experiment_id: Which experiment.
        description: What it is about.
        pages: Name of a page -> its address.
    """
    if tags.DESCRIPTION in client.get_experiment(experiment_id).tags:
        return
    links = ", ".join(link(name, within_ui(address)) for name, address in pages.items())
    text = f"{description} Open: {links}." if links else description
    if text:
        client.set_experiment_tag(experiment_id, tags.DESCRIPTION, text.strip())


def entry_pages(client: Any, base: str, most: int = 5) -> dict[str, str]:
    """The page of each experiment that one opens first: its searches, or its latest ladder.

    Args:
        client: An `mlflow.MlflowClient`.
        base: Address of the server.
        most: So many experiments, those that were changed last.

    Returns:
        Name of an experiment -> address. Experiments without such a page are not in it.
    """
    found = client.search_experiments(max_results=most, order_by=["last_update_time DESC"])
    keys = {each: _entry_key(each.tags) for each in found}
    return {
        each.name: Links(base, each.experiment_id).view(key) for each, key in keys.items() if key
    }


def _entry_key(experiment_tags: Mapping[str, str]) -> str | None:
    views = {
        tag.removeprefix(VIEW_TAG): json.loads(value)["createdAt"]
        for tag, value in experiment_tags.items()
        if tag.startswith(VIEW_TAG)
    }
    if SEARCHES_KEY in views:
        return SEARCHES_KEY
    ladders = [key for key in views if key.startswith(MODELS_KEY)]
    return max(ladders, key=views.__getitem__, default=None)
