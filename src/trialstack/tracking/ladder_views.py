"""Saved views of the models that one `trialstack train` has fitted."""

from __future__ import annotations

from typing import Any

from trialstack.tracking import tags
from trialstack.tracking.charts import (
    bar_chart,
    chart_sections,
    columns,
    image_grid,
    line_chart,
    save_view,
)

MODELS_KEY = "ladder-models-"
"""What the keys of the views of models begin with; the ladder's id follows."""

_METRICS = ("test_accuracy", "accuracy", "seeds_median_accuracy", "seeds_as_tutorial")
_PARAMS = ("units_1", "units_2", "activation", "learning_rate", "epochs")
_GRID_HEIGHT = 960  # pixels: three rows of pictures


def save_ladder_views(client: Any, experiment_id: str, ladder_id: str) -> dict[str, str]:
    """Saves the views of the runs that one command has made.

    Args:
        client: An `mlflow.MlflowClient`.
        experiment_id: Where to save them.
        ladder_id: Value of the runs' tag `trialstack.ladder_id`.

    Returns:
        Name of the view -> key for `Links.view`. The names: `models`, `curves`, `boundaries`.
    """
    runs = {
        "searchFilter": f"tags.`{tags.LADDER_ID}` = '{ladder_id}'",
        "orderByKey": f"tags.`{tags.ORDER}`",
        "orderByAsc": True,
        "selectedColumns": [
            *columns("metrics", _METRICS),
            *columns("params", _PARAMS),
            *columns("tags", [tags.CHANGED]),
        ],
    }
    scores = [bar_chart("seeds_median_accuracy"), bar_chart("seeds_as_tutorial")]
    # One model may end with a hundred times the loss of another.
    curves = [line_chart("loss", log_scale=True), line_chart("accuracy")]
    pictures = [image_grid("boundary_final"), image_grid("boundary")]
    views = {
        "models": ("Models", runs | chart_sections({"Over seeds": scores, "Learning": curves})),
        "curves": ("Learning curves of the models", runs | chart_sections({"Learning": curves})),
        "boundaries": (
            "Decision boundaries of the models",
            # The grid shows the last run of the table first.
            runs
            | {"orderByAsc": False}
            | chart_sections({"Decision boundaries": pictures}, columns=1, height=_GRID_HEIGHT),
        ),
    }
    keys = {}
    for name, (title, state) in views.items():
        keys[name] = f"ladder-{name}-{ladder_id}"
        save_view(client, experiment_id, keys[name], title, state)
    return keys
