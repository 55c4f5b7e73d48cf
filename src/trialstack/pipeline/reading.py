"""How far the reading of a long file is, told now and then."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS_BETWEEN = 2.0


def telling(
    tell: Callable[[str], None], source: str, clock: Callable[[], float] = time.monotonic
) -> Callable[[float, float], None]:
    """What takes how much is read, and how much there is.

    Args:
        tell: Takes a line, every two seconds at most; nothing is said of a file that is read by
            then.
        source: What is read.
        clock: Seconds from any start.

    Example:
        >>> times = iter([0.0, 2.5])
        >>> show = telling(print, "rows.csv", lambda: next(times))
        >>> show(10, 100)
        >>> show(40, 100)
        reading rows.csv: 40 %
    """
    last: float | None = None

    def show(done: float, total: float) -> None:
        nonlocal last
        now = clock()
        last = now if last is None else last
        if now - last >= SECONDS_BETWEEN and done < total:
            last = now
            tell(f"reading {source}: {100 * done / total:.0f} %")

    return show
