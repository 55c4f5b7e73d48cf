"""How a long command runs: progress and the log on stderr, a signal ends it with a line."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from trialstack.errors import Interrupted
from trialstack.live.progress import Progress
from trialstack.logs import shown_log
from trialstack.signals import interruptible


@contextlib.contextmanager
def running(stopped: Callable[[Progress], str], *, debug: bool) -> Iterator[Progress]:
    """Shows how far the work inside has come.

    Args:
        stopped: The line to print when a signal has ended it.
        debug: Show the debug log.
    """
    progress = Progress()
    try:
        # What a hypermodel of the user's prints is no result.
        with (
            interruptible(),
            contextlib.redirect_stdout(sys.stderr),
            shown_log(progress.line, debug=debug),
        ):
            yield progress
    except Interrupted:
        print(stopped(progress), file=sys.stderr)
        raise
