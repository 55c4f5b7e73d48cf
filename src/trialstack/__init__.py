"""Keras Tuner searches in which every trial is a proper MLflow run.

Example:
    ```python
    import trialstack

    tuner = trialstack.RandomSearch(build_model, objective="val_auc", max_trials=100)
    tuner.search(X, y, validation_split=0.25, epochs=50)
    ```
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trialstack import plots
    from trialstack.experiment import Experiment, Ladder
    from trialstack.pipeline import tune
    from trialstack.pipeline.train import train
    from trialstack.registry.loading import load
    from trialstack.report.frames import compare, leaderboard
    from trialstack.report.page.write import write_report
    from trialstack.tracking.callback import MLflowCallback
    from trialstack.tuners.random_search import RandomSearch

__version__ = "0.1.0"

__all__ = [
    "Experiment",
    "Ladder",
    "MLflowCallback",
    "RandomSearch",
    "__version__",
    "compare",
    "leaderboard",
    "load",
    "plots",
    "train",
    "tune",
    "write_report",
]

_HOME = {
    "Experiment": "trialstack.experiment",
    "Ladder": "trialstack.experiment",
    "MLflowCallback": "trialstack.tracking.callback",
    "RandomSearch": "trialstack.tuners.random_search",
    "plots": "trialstack.plots",
    "compare": "trialstack.report.frames",
    "leaderboard": "trialstack.report.frames",
    "load": "trialstack.registry.loading",
    "train": "trialstack.pipeline.train",
    "tune": "trialstack.pipeline",
    "write_report": "trialstack.report.page.write",
}


def __getattr__(name: str) -> Any:
    """Imports a public name at its first use: TensorFlow takes seconds, `--help` needs none."""
    if name not in _HOME:
        raise AttributeError(f"module 'trialstack' has no attribute {name!r}")
    module = importlib.import_module(_HOME[name])
    return module if module.__name__ == f"{__name__}.{name}" else getattr(module, name)


def __dir__() -> list[str]:
    return __all__
