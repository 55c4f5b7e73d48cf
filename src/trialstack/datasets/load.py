"""From the `[dataset]` table to a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trialstack.datasets.base import Dataset
from trialstack.datasets.builtin import BUILTIN

if TYPE_CHECKING:
    from trialstack.experiment import DatasetSettings


def load_dataset(settings: DatasetSettings) -> Dataset:
    """The data set that the settings name.

    Args:
        settings: The `[dataset]` table, validated: its source is there, its parameters are its own.

    Example:
        >>> from trialstack.experiment import DatasetSettings
        >>> settings = DatasetSettings.model_validate({"source": "circles"})
        >>> load_dataset(settings).X.shape
        (1000, 2)
    """
    return BUILTIN[settings.source](**settings.params)
