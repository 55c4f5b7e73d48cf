"""Keras' summary of a model, as text."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from typing import Any

WIDTH = 100
"""Characters of a line."""


def model_summary(model: Any) -> str:
    """What `model.summary()` prints, 100 characters wide, wherever it is asked.

    Args:
        model: A Keras model that is built.
    """
    parts: list[str] = []
    with _terminal_width(WIDTH), _nothing_displayed():
        model.summary(print_fn=lambda text, **_: parts.append(text), line_length=WIDTH)
    return "".join(parts)


@contextlib.contextmanager
def _terminal_width(columns: int) -> Iterator[None]:
    """Keras cuts what it prints at the terminal's width, whatever width it is asked for."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        yield
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before


def _nothing_displayed() -> contextlib.AbstractContextManager[Any]:
    """In a notebook, rich displays an empty box when Keras has taken the text from it."""
    if "IPython" not in sys.modules:
        return contextlib.nullcontext()
    # Only imported where it runs already, so it is no library that this package needs.
    capture = importlib.import_module("IPython.utils.capture")
    return capture.capture_output(stdout=False, stderr=False)  # type: ignore[no-any-return]
