"""Lines on a search that takes long, where there is no terminal to draw on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from trialstack.durations import shown_duration
from trialstack.live.snapshot import Snapshot, Watch

if TYPE_CHECKING:
    from trialstack.pipeline.job import SearchInProgress

SECONDS_BETWEEN = 30.0


@contextlib.contextmanager
def telling_of(
    search: SearchInProgress, tell: Callable[[str], None], every: float = SECONDS_BETWEEN
) -> Iterator[None]:
    """Inside, a line is told now and then: trials of many rows take minutes to end.

    Args:
        search: What is going on.
        tell: Takes the lines, in a thread of its own.
        every: Seconds.
    """
    watch, ended = Watch(search), threading.Event()

    def watching() -> None:
        while not ended.wait(every):
            tell(line_of(watch.look()))

    thread = threading.Thread(target=watching, name="telling", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def line_of(found: Snapshot) -> str:
    """How far a search is.

    Example:
        >>> from trialstack.trials import Objective
        >>> line_of(Snapshot(Objective("val_auc", "max"), 8, (0.7,), running=7, left=600.0))
        '1/8 trials, 7 running, about 10m00s left'
    """
    parts = [f"{len(found.scores)}/{found.max_trials} trials", f"{found.running} running"]
    parts += [found.epoch] if found.epoch else []
    parts += [f"about {shown_duration(found.left)} left"] if found.left is not None else []
    return ", ".join(parts)
