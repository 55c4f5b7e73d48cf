"""What people are told of a store that does not take what is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trialstack.tracking.store import Store, display_uri

LONGEST_REASON = 120

_REASONS = (
    (re.compile(r"connection refused", re.IGNORECASE), "connection refused"),
    (re.compile(r"timed out|timeout", re.IGNORECASE), "no answer in time"),
    (re.compile(r"too many (\d{3}) error responses"), r"HTTP \1"),
    (re.compile(r"error code (\d{3})\b"), r"HTTP \1"),
    (re.compile(r"name resolution|getaddrinfo|not known", re.IGNORECASE), "its name is unknown"),
    (
        re.compile(r"connection (aborted|reset)|without response|BrokenPipe", re.IGNORECASE),
        "it closed the connection",
    ),
    (re.compile(r"unreachable", re.IGNORECASE), "network unreachable"),
    (re.compile(r"database is locked"), "database is locked"),
)


def reason_of(error: BaseException) -> str:
    """Why a store did not take what was written, in a few words and without credentials.

    Example:
        >>> reason_of(OSError("... Failed to establish a new connection: [Errno 111] Connection "
        ...                   "refused"))
        'connection refused'
        >>> reason_of(OSError("(Caused by ResponseError('too many 503 error responses'))"))
        'HTTP 503'
    """
    for each in _chain(error):
        for pattern, words in _REASONS:
            if found := pattern.search(str(each)):
                return found.expand(words)
    first_line = display_uri(str(error)).strip().partition("\n")[0]
    return first_line[:LONGEST_REASON] or type(error).__name__


def away(store: Store, error: BaseException) -> str:
    """The line that a store has gone away."""
    return (
        f"the tracking {_kind(store)} does not answer ({reason_of(error)}): results wait in the "
        "journal and are sent when it is back"
    )


def back(store: Store) -> str:
    """The line that it is there again."""
    return f"the tracking {_kind(store)} answers again: what has waited is being sent"


def _kind(store: Store) -> str:
    return "server" if store.tracking_uri.startswith("http") else "store"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
