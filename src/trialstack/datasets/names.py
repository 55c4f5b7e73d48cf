"""Names that a person has mistyped, or that are too long to be shown."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """A suggestion to append to an error line, or nothing.

    >>> nearest("pateince", ["epochs", "patience"])
    "; did you mean 'patience'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def shortened(text: str, length: int) -> str:
    """The text, or its beginning with an ellipsis, in at most `length` characters.

    Example:
        >>> shortened("malignant", 6)
        'malig…'
    """
    return text if len(text) <= length else text[: length - 1] + "…"
