"""Replaces functions of a library for as long as some thread needs the replacements."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Replacement = tuple[Any, str, Any]
"""A class or module, the name of an attribute of it, and what is put there."""


class Patch:
    """Attributes of classes and modules that are replaced while any thread is inside.

    All threads meet the replacements, so these must do for every thread what the originals do, or
    find out which thread is calling. The originals are back when the last thread has left, in
    whichever order they leave: two that overlap and each put back what they found would not.

    Args:
        replacements: Makes them; called when the first thread enters, so that what a replacement
            remembers lives no longer than the patch.

    Example:
        >>> import math
        >>> patch = Patch(lambda: [(math, "sqrt", lambda x: "patched")])
        >>> with patch.applied(), patch.applied():
        ...     math.sqrt(4)
        'patched'
        >>> math.sqrt(4)
        2.0
    """

    def __init__(self, replacements: Callable[[], Iterable[Replacement]]) -> None:
        self._replacements = replacements
        self._originals: list[Replacement] = []
        self._inside = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Inside, the replacements are there. It may be entered again."""
        try:
            self._enter()
            yield
        finally:
            self._leave()  # also what was put there before a signal, or a patch that does not fit

    def _enter(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                for owner, name, replacement in list(self._replacements()):
                    self._originals.append((owner, name, vars(owner)[name]))
                    setattr(owner, name, replacement)

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                while self._originals:
                    setattr(*self._originals.pop())
