"""How a long command ends when the disk is full, whichever library has met it."""

from __future__ import annotations

import errno
import os
import sqlite3

import pytest

from trialstack.commands.running import running
from trialstack.errors import TrialstackError

MEND = "make room, then give the same command again: what is finished is kept"


class ResourceExhaustedError(Exception):
    """As TensorFlow's, through which Keras Tuner writes the oracle's state."""


@pytest.mark.parametrize(
    ("error", "file"),
    [
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/a/journal.jsonl"),
            ": /a/journal.jsonl",
        ),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), ""),
        (sqlite3.OperationalError("database or disk is full"), ": the tracking store"),
        (ResourceExhaustedError("/a b/oracle.json; No space left on device"), ": /a b/oracle.json"),
    ],
    ids=["file", "quota", "sqlite", "tensorflow"],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_full_disk_is_told_with_what_to_do(error: Exception, file: str, wrapped: bool) -> None:
    with (
        pytest.raises(TrialstackError) as raised,
        running(lambda _: "stopped", debug=False),
    ):
        if wrapped:
            raise RuntimeError("a trial could not be written") from error
        raise error
    assert str(raised.value) == f"no space left on the disk{file}; {MEND}"


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(ValueError, match="no"), running(lambda _: "stopped", debug=False):
        raise ValueError("no")
