"""Runs the ladder of circle classifiers and draws the pictures of the tutorial's first part.

    python docs/draw_circles.py

Takes some minutes. Everything runs in a temporary folder; what the text states goes to stdout.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from matplotlib import image
from mlflow import MlflowClient
from small_png import save_png

import trialstack
from trialstack.plots.style import figure_png, new_figure

EXPERIMENT = Path(__file__).resolve().parents[1] / "experiments" / "circles.toml"
COLUMNS = 5


def main() -> None:
    """Trains, draws, and prints."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/mlflow.db"
        result = trialstack.train(trialstack.Ladder.load(EXPERIMENT), tracking_uri=store)
        client = MlflowClient(store)
        models = {model["name"]: model for model in result.as_json()["models"]}
        save_png("circles_boundaries", gallery(client, models))
        for model, plot in {
            "model_07": "seeds",
            "model_08": "decision_boundary",
            "model_09": "learning_rate_sweep",
        }.items():
            file = client.download_artifacts(models[model]["run_id"], f"plots/{plot}.png")
            save_png(f"circles_{model}_{plot}", Path(file).read_bytes())
    for name, model in models.items():
        print(name, {key: model[key] for key in ("loss", "accuracy", "suggested_learning_rate")})
        if model["seeds"]:
            print("  ", {key: model["seeds"][key] for key in ("median_accuracy", "as_tutorial")})


def gallery(client: MlflowClient, models: dict[str, Any]) -> bytes:
    """The boundaries of all models that have one, in their order."""
    drawn = {name: model for name, model in models.items() if model["accuracy"] is not None}
    rows = -(-len(drawn) // COLUMNS)
    figure = new_figure(2.4 * COLUMNS, 2.7 * rows)
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for panel in panels:
        panel.set_axis_off()
    for panel, (name, model) in zip(panels, drawn.items(), strict=False):
        panel.imshow(last_boundary(client, model["run_id"]))
        where = "test " if model["rows"] == "test" else ""
        panel.set_title(
            f"{name.replace('_0', ' ').replace('_', ' ')}: {where}accuracy {model['accuracy']:.3f}",
            fontsize=10,
        )
    return figure_png(figure)


def last_boundary(client: MlflowClient, run_id: str) -> Any:
    """The picture `boundary_final` of a run, as an array."""
    files = [file.path for file in client.list_artifacts(run_id, "images")]
    [path] = [path for path in files if "boundary_final" in path and path.endswith(".png")]
    return image.imread(io.BytesIO(Path(client.download_artifacts(run_id, path)).read_bytes()))


if __name__ == "__main__":
    main()
