"""What the training rows teach about each column, and the matrix that follows from it.

The same rules stand in two places: here, where NumPy makes the matrix of all rows once for all
trials of a search, and as Keras layers (`trialstack.preprocessing.layers`) inside the registered
model. A test holds both to be equal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.columns import category_codes

if TYPE_CHECKING:
    import pandas as pd

Matrix = NDArray[np.float32]
"""Shape `(rows, features)`."""


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers or truth values.

    Attributes:
        name: As the file has it.
        fill: What stands where a value is missing: the median of the training rows, of truth
            values the more frequent one.
        flagged: Whether training rows lacked values, so that a feature tells where.
        boolean: Whether its values are 0 and 1.
        missing_texts: Texts that stand for missing values in it, such as `"?"`.
    """

    name: str
    fill: float = 0.0
    flagged: bool = False
    boolean: bool = False
    missing_texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextColumn:
    """A column of categories.

    Attributes:
        name: As the file has it.
        vocabulary: Categories with a feature of their own, the most frequent ones first.
        missing: What stands where a value is missing: a text that is no category. It may be in
            the vocabulary.
        bins: Number of features that all other categories share, each by its hash; 0 = they have
            only the feature "other" in common.
        is_integer: Whether its categories are whole numbers, which a table may bring as 1.0.
        is_trimmed: Whether no category has white space around it, so that it has no meaning.
    """

    name: str
    vocabulary: tuple[str, ...]
    missing: str
    bins: int = 0
    is_integer: bool = False
    is_trimmed: bool = True

    @property
    def features(self) -> Iterator[str]:
        """Names of its features, in their order."""
        yield f"{self.name} = (other)"
        yield from (f"{self.name} = {category}" for category in self.vocabulary)
        yield from (f"{self.name} # {number}" for number in range(self.bins))


@dataclass(frozen=True)
class Preparation:
    """How raw columns become the features of a network.

    The features are, in this order: all numbers, all truth values, one flag for each of these
    that lacked values in training, and the features of each text column.

    Attributes:
        columns: Names of the raw columns, in the file's order.
        numbers: Columns of numbers, then columns of truth values.
        texts: Columns of categories.
    """

    columns: tuple[str, ...]
    numbers: tuple[NumberColumn, ...]
    texts: tuple[TextColumn, ...]

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """One a column of the matrix."""
        return tuple(name for name, _ in self._features())

    @cached_property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """For each raw column, which columns of the matrix are made of it."""
        own: dict[str, list[int]] = {name: [] for name in self.columns}
        for place, (_, column) in enumerate(self._features()):
            own[column].append(place)
        return tuple(map(tuple, own.values()))

    @property
    def n_numeric(self) -> int:
        """How many of the first columns of the matrix are numbers, rather than 0 or 1."""
        return sum(not column.boolean for column in self.numbers)

    def _features(self) -> Iterator[tuple[str, str]]:
        """Each feature with the raw column that it is of."""
        for column in self.numbers:
            yield column.name, column.name
        for column in self.flagged:
            yield f"{column.name} = (missing)", column.name
        for text in self.texts:
            yield from ((feature, text.name) for feature in text.features)

    @property
    def flagged(self) -> tuple[NumberColumn, ...]:
        """Columns whose gaps are a feature."""
        return tuple(column for column in self.numbers if column.flagged)

    def matrix(self, frame: pd.DataFrame) -> Matrix:
        """The features of some rows.

        Args:
            frame: As `trialstack.datasets.columns.Table.frame`.

        Returns:
            Shape `(rows, len(feature_names))`.
        """
        matrix = np.zeros((len(frame), len(self.feature_names)), dtype=np.float32)
        flag = len(self.numbers)
        for place, column in enumerate(self.numbers):
            values = frame[column.name].to_numpy(dtype=np.float32)
            gaps = np.isnan(values)
            matrix[:, place] = np.where(gaps, np.float32(column.fill), values)
            if column.flagged:
                matrix[:, flag] = gaps
                flag += 1
        start = flag
        for text in self.texts:
            stop = start + 1 + len(text.vocabulary) + text.bins
            _fill_slots(matrix[:, start:stop], text, frame[text.name].to_numpy(dtype=object))
            start = stop
        return matrix


def _fill_slots(slots: Matrix, column: TextColumn, values: NDArray[Any]) -> None:
    """Sets the 1 of each row, and the second one of a category that is known by its hash."""
    import pandas as pd

    values = np.where(pd.isna(values), column.missing, values)
    codes = category_codes(values, column.vocabulary)
    other = np.isnan(codes)
    slots[np.arange(len(values)), np.where(other, 0, codes + 1).astype(np.intp)] = 1.0
    if column.bins and other.any():
        names, which = np.unique(values[other], return_inverse=True)
        hashed = hash_bins(names, column.bins)[which]
        slots[np.flatnonzero(other), 1 + len(column.vocabulary) + hashed] = 1.0


def hash_bins(names: NDArray[Any], bins: int) -> NDArray[np.intp]:
    """Where `keras.layers.Hashing` puts some texts.

    Args:
        names: Objects of type `str`, shape `(names,)`.
        bins: How many there are.

    Returns:
        Numbers from 0 to `bins - 1`, shape `(names,)`.
    """
    import keras

    found = keras.layers.Hashing(bins)(names)
    return np.asarray(keras.ops.convert_to_numpy(found), dtype=np.intp)


def no_category(text: str, categories: Collection[str]) -> str:
    """A text that is not among the categories, and looks much like the one given."""
    while text in categories:
        text = f"({text})"
    return text
