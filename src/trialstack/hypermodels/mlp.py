"""The built-in hypermodel: a multilayer perceptron for tables of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras_tuner
import numpy as np
from numpy.typing import ArrayLike, NDArray

from trialstack.hypermodels import space
from trialstack.hypermodels.fixed import encode_targets, fixed_mlp

if TYPE_CHECKING:
    import keras

    from trialstack.experiment import MLPSettings


class MLPHyperModel(keras_tuner.HyperModel):
    """Builds a trial's network from its hyperparameters.

    Args:
        n_features: Number of input columns.
        n_classes: Number of classes, at least 2.
        settings: The search space: the `[hypermodel]` table.
        mean: Of each column of the training rows, shape `(n_features,)`; used when
            `settings.standardize`.
        variance: Of each column of the training rows, likewise.
        encodings: By name, what may be made of the inputs instead; needed are those that
            `settings.encoding` names. See `trialstack.preprocessing.encodings`.

    Raises:
        ValueError: `settings.standardize`, and no mean or variance came, nor encodings.

    Example:
        >>> from trialstack.experiment import MLPSettings
        >>> settings = MLPSettings.model_validate({"units": [[4, 32]], "standardize": False})
        >>> hypermodel = MLPHyperModel(2, 2, settings)
        >>> hp = keras_tuner.HyperParameters()
        >>> hypermodel.build(hp).output_shape, hp.values
        ((None, 1), {'units_1': 4})
    """

    def __init__(
        self,
        n_features: int,
        n_classes: int,
        settings: MLPSettings,
        mean: ArrayLike | None = None,
        variance: ArrayLike | None = None,
        encodings: Mapping[str, keras.Model] | None = None,
    ) -> None:
        super().__init__(name="mlp")
        if settings.standardize and not encodings and (mean is None or variance is None):
            raise ValueError(
                "standardize = true, and no mean and variance came; give those of the training "
                "rows (trialstack.datasets.base.moments)"
            )
        self.n_features = n_features
        self.n_classes = n_classes
        self.settings = settings
        self.mean = mean if settings.standardize else None
        self.variance = variance if settings.standardize else None
        self.encodings = encodings or {}

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Sequential:
        """The compiled model of one trial; its initial weights come from the global seed."""
        space.declare(hp, self.settings)
        encoding = space.chosen("encoding", hp.values, self.settings)
        return fixed_mlp(
            n_features=self.n_features,
            n_classes=self.n_classes,
            mean=self.mean,
            variance=self.variance,
            encoding=self.encodings[encoding] if encoding else None,
            **space.network(hp.values, self.settings),
        )

    def encode_targets(self, y: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Class indices, shape `(rows,)`, in the form that the model is trained with.

        See `trialstack.hypermodels.fixed.encode_targets`.
        """
        return encode_targets(y, self.n_classes)

    def readable(self, values: space.Values) -> dict[str, Any]:
        """Active hyperparameters as a person reads them; see `space.readable`."""
        return space.readable(values, self.settings)
