"""From the tables of an experiment to the text of a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def toml_text(tables: Mapping[str, Any], comments: Mapping[str, str] | None = None) -> str:
    """A TOML file that holds some tables.

    Args:
        tables: Values, and tables of values; a table within a table is written on one line.
        comments: Dotted key, or the name of a table, -> what is written behind it.

    Example:
        >>> print(toml_text({"name": "pets", "search": {"epochs": 5, "rate": {"min": 1e-4}}},
        ...                 {"search.epochs": "of a trial at most"}), end="")
        name = "pets"
        <BLANKLINE>
        [search]
        epochs = 5  # of a trial at most
        rate = { min = 0.0001 }
    """
    comments = comments or {}
    values = {key: value for key, value in tables.items() if not isinstance(value, Mapping)}
    lines = [_line(key, value, comments.get(key, "")) for key, value in values.items()]
    for table, content in tables.items():
        if isinstance(content, Mapping):
            lines += ["", _with_comment(f"[{_key(table)}]", comments.get(table, ""))]
            lines += [
                _line(key, value, comments.get(f"{table}.{key}", ""))
                for key, value in content.items()
            ]
    return "\n".join(lines).lstrip("\n") + "\n"


def _line(key: str, value: Any, comment: str) -> str:
    return _with_comment(f"{_key(key)} = {_value(value)}", comment)


def _with_comment(text: str, comment: str) -> str:
    return f"{text}  # {comment}" if comment else text


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, str):
        # JSON's strings are TOML's, but for one letter that TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else repr(value)
