"""Durations as people type them."""

from __future__ import annotations

import re

from trialstack.errors import InputError

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")


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
