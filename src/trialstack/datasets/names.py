"""Names that a person has mistyped."""

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
