"""Random search."""

from __future__ import annotations

import keras_tuner

from trialstack.tuners.base import TrackedTuner


class RandomSearch(TrackedTuner, keras_tuner.RandomSearch):
    """`keras_tuner.RandomSearch` whose every trial is an MLflow run.

    Takes the arguments of Keras Tuner's class and those of `TrackedTuner`.

    Example:
        ```python
        tuner = trialstack.RandomSearch(build_model, objective="val_auc", max_trials=20)
        tuner.search(X, y, validation_split=0.25, epochs=50)
        ```
    """
