"""From what pydantic finds wrong to the one line that a person reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from trialstack.errors import ExperimentError, InputError, NotBuiltError

LONGEST_VALUE = 60
"""Characters of a value that an error line repeats."""


def shown(value: object) -> str:
    r"""A value as TOML writes it, on one line and not too long.

    >>> shown(True), shown("a\nb"), shown({"min": 1, "max": [2.5, "x"]})
    ('true', "'a\\nb'", "{min = 1, max = [2.5, 'x']}")
    """
    text = _toml(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_bare(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value) if isinstance(value, str) else _bare(value)


def _bare(value: object) -> str:
    return repr(str(value))[1:-1]


def one_line(text: str) -> str:
    """The text with all white space, line ends included, as single blanks."""
    return " ".join(text.split())


def impossible(came: object, allowed: str, key: str = "", mend: str = "") -> PydanticCustomError:
    """The problem that a key's value is of the wrong type or cannot be.

    Args:
        came: The value.
        allowed: What could stand there.
        key: Name of the key below the table that is checked, when that table as a whole was.
        mend: Further words, with the `;` that sets them off.
    """
    text = f"{shown(came)} came; allowed: {allowed}{mend}"
    return PydanticCustomError("impossible", "{text}", {"text": text, "key": key})


def not_built(came: object, there: str, key: str = "") -> PydanticCustomError:
    """The problem that the documentation names a value which this version does not have."""
    text = f"{shown(came)} is not built yet; there is: {there}"
    return PydanticCustomError("not_built", "{text}", {"text": text, "key": key})


def wrong_keys(problems: list[tuple[str, str]]) -> PydanticCustomError:
    """Problems with the keys of one table, as `(key, text)`; the first is told."""
    key, text = problems[0]
    context = {"text": text, "key": key, "more": len(problems) - 1}
    return PydanticCustomError("wrong_keys", "{text}", context)


def explain(error: ValidationError, where: Callable[[str], str]) -> InputError:
    """The first problem as one line, with the number of the others.

    Args:
        error: As pydantic raised it.
        where: From a key to the place it came from, such as the file.
    """
    # A default that is made from another key cannot be made when that key is wrong: no news.
    problems = [
        problem
        for problem in error.errors(include_url=False)
        if problem["type"] != "default_factory_not_called"
    ]
    # A misspelt key makes further problems (something missing), so it is the one to tell.
    problems.sort(key=lambda problem: problem["type"] != "wrong_keys")
    first = problems[0]
    context = first.get("ctx", {})
    key = _dotted(first, context.get("key", ""))
    more = len(problems) - 1 + sum(p.get("ctx", {}).get("more", 0) for p in problems)
    line = f"{where(key)}: {_subject(key)}{one_line(context.get('text', first['msg']))}"
    if more:
        line += f" ({more} more problem{'s' if more > 1 else ''})"
    kind = NotBuiltError if first["type"] == "not_built" else ExperimentError
    return kind(line)


def _subject(key: str) -> str:
    return f"key {key!r}: " if key else ""


def _dotted(problem: ErrorDetails, key: str) -> str:
    parts: list[Any] = list(problem["loc"])
    if parts[:1] == ["hypermodel"]:
        del parts[1:2]  # pydantic puts the kind of hypermodel it chose between table and key
    named: list[str] = []
    for part in [*parts, key] if key else parts:
        if isinstance(part, int):  # people count [[model]] tables from 1
            named[-1] += f"[{part + 1}]"
        else:
            named.append(part)
    return ".".join(named)
