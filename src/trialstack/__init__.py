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
    from trialstack.experiment import Experiment
    from trialstack.pipeline import tune
    from trialstack.tracking.callback import MLflowCallback
    from trialstack.tuners.random_search import RandomSearch

__version__ = "0.1.0"

__all__ = ["Experiment", "MLflowCallback", "RandomSearch", "__version__", "tune"]

_HOME = {
    "Experiment": "trialstack.experiment",
    "MLflowCallback": "trialstack.tracking.callback",
    "RandomSearch": "trialstack.tuners.random_search",
    "tune": "trialstack.pipeline",
}


def __getattr__(name: str) -> Any:
    """Imports a public name at its first use: TensorFlow takes seconds, `--help` needs none."""
    if name not in _HOME:
        raise AttributeError(f"module 'trialstack' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
