"""The one line that says why a trial failed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trialstack.tracking.store import display_uri

MOST_CHARACTERS = 500

ESCAPE_CODE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""Colours and bold print of terminals, ECMA-48 section 5.4."""

HEADING = re.compile(
    r"Exception encountered when calling .+"
    r"|Could not automatically infer the output shape .+ Error encountered:"
    r"|Graph execution error:"
    r"|Detected at node .+"
    r"|\d+ root error\(s\) found\."
)
"""Lines of Keras and TensorFlow that say where an error came up; below them they say which."""

AFTERWORD = "Arguments received by "
"""Begins what Keras puts below the error."""


def reason_of(error: BaseException, named: bool = True) -> str:
    r"""What went wrong in one line, of at most `MOST_CHARACTERS`; the traceback has the rest.

    It is the first line of the error's text that is not a heading of Keras' or TensorFlow's.

    Args:
        error: The error.
        named: Whether its type goes before the text.

    Example:
        >>> reason_of(ValueError("Exception encountered when calling Dense.call().\n\nno rows"))
        'ValueError: no rows'
        >>> reason_of(MemoryError())
        'MemoryError'
    """
    text = _cause(_text_of(error))
    if named:
        name = type(error).__name__
        text = f"{name}: {text}" if text else name
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 3]}..."


def encodable(text: str) -> str:
    """Text that every store takes and everybody may read.

    Names of files may hold bytes that are no text, and addresses of stores a password.
    """
    return display_uri(text).encode(errors="backslashreplace").decode()


def _text_of(error: BaseException) -> str:
    try:
        # A KeyError shows what it was given as Python would write it, with its lines run together.
        own = isinstance(error, KeyError) and len(error.args) == 1 and "\n" in str(error.args[0])
        text = str(error.args[0] if own else error)
    except Exception:
        return ""  # an exception of the user's own that cannot tell
    return ESCAPE_CODE.sub("", encodable(text))


def _cause(text: str) -> str:
    heading = ""
    for line in _lines(text):
        if line.startswith(AFTERWORD):
            break
        if not HEADING.fullmatch(line):
            return line
        heading = line
    return heading


def _lines(text: str) -> Iterator[str]:
    """The lines that say something, so none of the tracebacks that an error of a graph holds."""
    in_traceback = False
    for line in text.strip().splitlines():
        if in_traceback and line[:1].isspace():
            continue
        in_traceback = line.startswith("Detected at node") or (in_traceback and not line)
        if line.strip():
            yield line.strip()
