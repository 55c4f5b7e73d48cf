"""How far something long is, told now and then."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS_BETWEEN = 2.0


def telling(
    tell: Callable[[str], None],
    what: str,
    clock: Callable[[], float] = time.monotonic,
    *,
    every: float = SECONDS_BETWEEN,
) -> Callable[[float, float], None]:
    """What takes how much is done, and how much there is.

    Args:
        tell: Takes a line now and then; nothing is said of what is soon done.
        what: That is done, such as `reading rows.csv`.
        clock: Seconds from any start.
        every: So many seconds at most.

    Example:
        >>> times = iter([0.0, 2.5])
        >>> show = telling(print, "reading rows.csv", lambda: next(times))
        >>> show(10, 100)
        >>> show(40, 100)
        reading rows.csv: 40 %
    """
    last: float | None = None

    def show(done: float, total: float) -> None:
        nonlocal last
        now = clock()
        last = now if last is None else last
        if now - last >= every and done < total:
            last = now
            tell(f"{what}: {100 * done / total:.0f} %")

    return show
