"""The package's log, shown to the user of a command line."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator


class _Lines(logging.Handler):
    """Hands every record to a function, as a line `warning: ...`."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        self._write(f"{record.levelname.lower()}: {self.format(record)}")


@contextlib.contextmanager
def shown_log(write: Callable[[str], None], *, debug: bool) -> Iterator[None]:
    """Shows what the package logs: warnings, or with `debug` everything and tracebacks.

    Args:
        write: Takes each record's text.
        debug: Whether the debug log is wanted.

    Example:
        >>> lines = []
        >>> with shown_log(lines.append, debug=False):
        ...     logging.getLogger("trialstack.executors").warning("%d trials one by one", 2)
        ...     logging.getLogger("trialstack.executors").debug("a stack of 100")
        >>> lines
        ['warning: 2 trials one by one']
    """
    logger = logging.getLogger("trialstack")
    before = logger.level, logger.propagate
    handler = _Lines(write)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
