"""From the `[dataset]` table to a data set."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from trialstack.datasets.base import Dataset
from trialstack.datasets.builtin import BUILTIN
from trialstack.errors import DataError

if TYPE_CHECKING:
    from trialstack.experiment import DatasetSettings


def load_dataset(
    settings: DatasetSettings, place_of: Callable[[str], str] = lambda key: "experiment"
) -> Dataset:
    """The data set that the settings name.

    Args:
        settings: The `[dataset]` table, validated: its source is there, its parameters are its own.
        place_of: Where a key of the experiment came from, for error lines.

    Raises:
        DataError: It cannot be made with these parameters.

    Example:
        >>> from trialstack.experiment import DatasetSettings
        >>> settings = DatasetSettings.model_validate({"source": "circles"})
        >>> load_dataset(settings).X.shape
        (1000, 2)
    """
    try:
        return BUILTIN[settings.source](**settings.params)
    except ValueError as error:
        reason = " ".join(str(error).split())
        named = re.match(r"The '(\w+)' parameter", reason)  # as scikit-learn's checks begin
        parameter = named[1].replace("random_state", "seed") if named else ""
        if parameter not in settings.params:
            raise DataError(
                f"{place_of('dataset.params')}: key 'dataset.params': {reason}"
            ) from error
        key = f"dataset.params.{parameter}"
        came = settings.params[parameter]
        raise DataError(f"{place_of(key)}: key {key!r}: {came} came; {reason}") from error
