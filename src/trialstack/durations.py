"""Durations: as people type them, and that of this process."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

from trialstack.errors import InputError

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")

_IMPORTED = time.monotonic()


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `90`, `90s`, `10m` or `1h30m`.

    Raises:
        InputError: It is not one, or is zero.

    Example:
        >>> parse_duration("10m"), parse_duration("1h30m"), parse_duration("90")
        (600.0, 5400.0, 90.0)
    """
    parts = _PART.findall(text.strip())
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text.strip() or seconds <= 0:
        raise InputError(f"--time-limit: {text!r} came; give a duration such as 90s, 10m or 1h30m")
    return seconds


def shown_duration(seconds: float) -> str:
    """A duration in few characters, as `parse_duration` takes it apart from the blank.

    Example:
        >>> [shown_duration(seconds) for seconds in (0.04, 7.26, 99.96, 605, 7380)]
        ['0.0 s', '7.3 s', '1m40s', '10m05s', '2h03m']
    """
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, of_hour = divmod(minutes, 60)
    return f"{hours}h{of_hour:02d}m" if hours else f"{minutes}m{rest:02d}s"


def seconds_of_process() -> float:
    """How long this process has been running, its imports included.

    Linux tells when it began; elsewhere the clock starts with the import of this module.
    """
    if sys.platform != "linux":
        return time.monotonic() - _IMPORTED
    # Fields of proc(5) after the program's name, which may hold spaces; the 22nd of all is the
    # start in clock ticks since boot.
    fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
    began = int(fields[22 - 3]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began
