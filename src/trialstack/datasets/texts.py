"""What the different texts of a column are: numbers, dates, categories, or nothing that recurs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MOSTLY = 0.9
"""Share of the cells that have a value from which on they are taken for what most of them are."""

MOST_DISTINCT = 0.5
"""Share of the rows from which on so many different texts say nothing that recurs."""

WORDS_OF_FREE_TEXT = 5
"""Mean number of words from which on texts are taken for sentences."""

FEWEST_TEXTS = 20
"""Different texts, below which even sentences are taken for categories."""

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
TRUTH = r"^((?i:true|false)|[01](\.0*)?)$"
_WITH_COMMA = r"(\d{1,3}(\.\d{3})+|\d+),\d+|\d{1,3}(,\d{3})+(\.\d+)?"
_DIGITS = rf"({_WITH_COMMA}|\d+(\.\d*)?|\.\d+)"
_SIGN = r"([$€£¥]|USD|EUR|GBP)"
WRITTEN_NUMBER = rf"^[+-]?({_WITH_COMMA}|{_SIGN} ?[+-]?{_DIGITS}|{_DIGITS} ?({_SIGN}|%))$"
"""A number as people write it: with a comma, between thousands or not, a currency or a percent."""

MONTH = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
DATE = (
    r"^(\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ].*)?|\d{1,2}([./-])\d{1,2}[./-]\d{4}( .*)?"
    rf"|\d{{1,2}}([/-]\d{{1,2}}[/-]|[ -]{MONTH}[ -])\d{{2,4}}( .*)?"
    rf"|{MONTH} \d{{1,2}},? \d{{4}}( .*)?)$"
)

Form = Literal["numbers", "truths", "dates", "written numbers", "names", "prose", "categories"]


@dataclass(frozen=True, eq=False)
class Texts:
    """What texts are taken for.

    Attributes:
        form: Of most of them: `"written numbers"` are not written as programs do, `"names"` do not
            recur, `"prose"` is sentences.
        which: Those that are of that form, shape `(distinct,)`.
    """

    form: Form
    which: NDArray[np.bool_]


def form_of(texts: NDArray[Any], counts: NDArray[np.int64]) -> Texts:
    """Decides what a column of text holds.

    Args:
        texts: Different ones, shape `(distinct,)`.
        counts: How many cells hold each; those that none holds have no say.

    Example:
        >>> numbers = form_of(np.array(["1", "2.5", "?"], dtype=object), np.array([6, 3, 1]))
        >>> numbers.form, numbers.which.tolist()
        ('numbers', [True, True, False])
        >>> form_of(np.array(["$1,200", "$ 90"], dtype=object), np.array([4, 4])).form
        'written numbers'
    """
    filled = int(counts.sum())
    used = counts > 0
    numeric = matches(texts, NUMBER)
    numbers, distinct = int(counts[numeric].sum()), int(used.sum())
    # One text among many numbers, such as "?", stands for missing ones, however many.
    stands_in = (numeric & used).sum() == distinct - 1 >= FEWEST_TEXTS and numbers >= filled / 2
    if numbers >= MOSTLY * filled or stands_in:
        return Texts("numbers", numeric)
    truths = matches(texts, TRUTH)
    if counts[truths].sum() == filled:
        return Texts("truths", truths)
    dates, written = matches(texts, DATE), matches(texts, WRITTEN_NUMBER) & ~numeric
    if counts[dates].sum() >= MOSTLY * filled:
        return Texts("dates", dates)
    # Whole numbers have no decimal comma, and small ones none between thousands.
    if counts[written | numeric].sum() >= MOSTLY * filled:
        return Texts("written numbers", written)
    if distinct >= FEWEST_TEXTS:
        if distinct > MOST_DISTINCT * filled:
            return Texts("names", used)
        words = np.char.count(texts.astype(str), " ") + 1
        if (words * counts).sum() >= WORDS_OF_FREE_TEXT * filled:
            return Texts("prose", used)
    return Texts("categories", used)


def numbers_of(texts: NDArray[Any], numeric: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Numbers that texts stand for, NaN for others, and one more NaN for the code -1."""
    numbers = np.full(len(texts) + 1, np.nan)
    numbers[:-1][numeric] = texts[numeric].astype(np.float64)
    return numbers


def truths_of(texts: NDArray[Any], truths: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The same of truth values, as 0 and 1."""
    values = np.full(len(texts) + 1, np.nan)
    values[:-1][truths] = [text[0] in "tT1" for text in texts[truths]]
    return values


def matches(texts: NDArray[Any], pattern: str) -> NDArray[np.bool_]:
    """Which of some texts are of a pattern, shape as that of the texts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.match_substring_regex(pa.array(texts, pa.large_string()), pattern)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)
