"""Memory of many rows that is given back between the steps of a job."""

from __future__ import annotations

import contextlib
import ctypes
import gc

MUCH_MEMORY = 16_000_000
"""Bytes of a table, from which on it is worth the tenths of a second to look for its copies."""


def release_rows(size: int) -> None:
    """Gives back the memory of copies that were made of many rows, and are not needed any more.

    TensorFlow's data sets and Matplotlib's figures hold them in reference cycles, which Python
    looks for when there are many objects, not when there are large ones. What is freed then, and
    what computations have freed before, the C library keeps for later: of large arrays, more than
    a table is large.

    Args:
        size: Of the rows, in bytes.
    """
    if size <= MUCH_MEMORY:
        return
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):  # the GNU C library has it
        ctypes.CDLL(None).malloc_trim(0)
