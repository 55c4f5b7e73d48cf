"""How a long command runs: progress and the log on stderr, a signal ends it with a line."""

from __future__ import annotations

import contextlib
import errno
import re
import sys
from collections.abc import Callable, Iterator

from trialstack.errors import Interrupted, TrialstackError
from trialstack.live.progress import Progress
from trialstack.logs import shown_log
from trialstack.signals import interruptible

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
NO_ROOM_FOR_SQLITE = "database or disk is full"
NO_ROOM_FOR_TENSORFLOW = re.compile(r"^(.+); No space left on device")
"""By which Keras Tuner writes its files."""


@contextlib.contextmanager
def running(stopped: Callable[[Progress], str], *, debug: bool) -> Iterator[Progress]:
    """Shows how far the work inside has come.

    Args:
        stopped: The line to print when a signal has ended it.
        debug: Show the debug log.

    Raises:
        TrialstackError: The disk is full.
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
    except TrialstackError:
        raise
    except Exception as error:
        file = _file_without_room(error)
        if file is None:
            raise
        raise TrialstackError(
            f"no space left on the disk{file}; make room, then give the same command again: what "
            "is finished is kept"
        ) from error


def _file_without_room(error: BaseException | None) -> str | None:
    """Which file found the disk full, as far as that is known; None if it was something else."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return f": {error.filename}" if error.filename else ""
        if NO_ROOM_FOR_SQLITE in str(error):
            return ": the tracking store"
        if found := NO_ROOM_FOR_TENSORFLOW.search(str(error)):
            return f": {found[1]}"
        error = error.__cause__ or error.__context__
    return None
