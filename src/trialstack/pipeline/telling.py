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
    then: str = "",
) -> Callable[[float, float], None]:
    """What takes how much is done, and how much there is.

    Args:
        tell: Takes a line now and then; nothing is said of what is soon done.
        what: That is done, such as `reading rows.csv`.
        clock: Seconds from any start.
        every: So many seconds at most.
        then: What comes next, told when all is done if that has taken long.

    Example:
        >>> times = iter([0.0, 2.5, 2.6])
        >>> show = telling(print, "reading rows.csv", lambda: next(times), then="checking them")
        >>> show(10, 100)
        >>> show(40, 100)
        reading rows.csv: 40 %
        >>> show(100, 100)
        checking them
    """
    last: float | None = None
    is_long = False

    def show(done: float, total: float) -> None:
        nonlocal last, is_long
        now = clock()
        last = now if last is None else last
        if now - last >= every and done < total:
            last, is_long = now, True
            tell(f"{what}: {100 * done / total:.0f} %")
        elif is_long and then and done >= total:
            is_long = False
            tell(then)

    return show
