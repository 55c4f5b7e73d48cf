"""Class weights: rows of a rare class weigh more in the loss, as a setting or a hyperparameter."""

from __future__ import annotations

from typing import Any

import keras_tuner
import numpy as np
from numpy.typing import NDArray

from trialstack.hypermodels import space
from trialstack.hypermodels.mlp import MLPHyperModel


def balanced_weights(y: NDArray[np.integer[Any]]) -> dict[int, float]:
    """Weight of each class in the loss, so that all classes together weigh the same.

    Args:
        y: Class indices, shape `(rows,)`.

    Returns:
        `rows / (classes * rows of the class)` for each class, which is 1 on average over the rows.

    Reference:
        King and Zeng (2001), "Logistic regression in rare events data", Political Analysis 9(2);
        the same as scikit-learn's `class_weight="balanced"`.

    >>> balanced_weights(np.array([0, 0, 0, 1]))
    {0: 0.6666666666666666, 1: 2.0}
    """
    labels, counts = np.unique(y, return_counts=True)
    return {
        int(label): len(y) / (len(labels) * int(count))
        for label, count in zip(labels, counts, strict=True)
    }


class WeightedMLPHyperModel(MLPHyperModel):
    """The built-in hypermodel whose table names `class_weight`; see `MLPHyperModel`."""

    def fit(
        self, hp: keras_tuner.HyperParameters, model: Any, x: Any, y: Any, **arguments: Any
    ) -> Any:
        """Trains a trial, with its class weights if it has any.

        Args:
            hp: Its hyperparameters.
            model: As `build` returned it.
            x: Training rows.
            y: Their targets, as `encode_targets` makes them.
            **arguments: Of `model.fit`.
        """
        if space.chosen("class_weight", hp.values, self.settings) == "balanced":
            classes = y[:, 0].astype(int) if y.shape[1] == 1 else y.argmax(axis=1)
            arguments["class_weight"] = balanced_weights(classes)
        return model.fit(x, y, **arguments)
