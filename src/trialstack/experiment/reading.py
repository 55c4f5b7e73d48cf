"""From text to plain values: the file, and settings from the command line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from trialstack.errors import ExperimentError
from trialstack.experiment.problems import one_line, shown

SETTING_PART = re.compile(r"([A-Za-z_]\w*)(?:\[([1-9]\d{0,5})\])?")
"""A name, or a name and the number of a table in an array, from 1."""
SETTING_KEY = re.compile(rf"{SETTING_PART.pattern}(\.{SETTING_PART.pattern})*")
UNQUOTED_STRING = re.compile(r"[A-Za-z_][\w.:/ -]*")
"""What a value on the command line may look like to be a string without its quotes."""


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a TOML file.

    Raises:
        ExperimentError: The file cannot be read, or is not TOML; with the line where that shows.
    """
    file = one_line(str(path))
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return tomllib.loads(text)
    except FileNotFoundError:
        raise ExperimentError(
            f"{file}: no such file; give the path of an experiment file"
        ) from None
    except IsADirectoryError:
        raise ExperimentError(
            f"{file}: a folder came; give a file in it that ends in .toml"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ExperimentError(f"{file}: line {line}: not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise ExperimentError(f"{file}: cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(f"{file}: {_where_and_what(str(error), text)}") from None
    except RecursionError:
        raise ExperimentError(f"{file}: lists or tables are nested too deeply") from None
    except ValueError:  # Python reads no more digits than sys.get_int_max_str_digits()
        raise ExperimentError(f"{file}: an integer has thousands of digits") from None


def _where_and_what(message: str, text: str) -> str:
    """Tomllib's message with its position first.

    >>> _where_and_what("Invalid value (at line 3, column 8)", "...")
    'line 3, column 8: Invalid value; TOML wants key = value, strings in quotes, each key once'
    """
    found = re.fullmatch(r"(.*) \(at (line \d+, column \d+|end of document)\)", message, re.DOTALL)
    what, position = (found[1], found[2]) if found else (message, "end of document")
    if position == "end of document":
        position = f"line {len(text.splitlines())}"
    wanted = "TOML wants key = value, strings in quotes, each key once"
    return f"{position}: {one_line(what)}; {wanted}"


def parse_setting(text: str) -> tuple[str, Any]:
    """The key and the value of `--set key=value`.

    The value is TOML; a plain word may go without its quotes.

    Raises:
        ExperimentError: It is not of this form.

    >>> parse_setting("search.patience=5"), parse_setting("search.objective=val_loss")
    (('search.patience', 5), ('search.objective', 'val_loss'))
    >>> parse_setting("hypermodel.units=[[2, 8]]")
    ('hypermodel.units', [[2, 8]])
    """
    key, equals, value = text.partition("=")
    key, value = key.strip(), value.strip()
    if not equals or not SETTING_KEY.fullmatch(key):
        wanted = "key=value with the key's full name, such as search.patience=5"
        raise ExperimentError(f"--set {shown(text)}: wanted: {wanted}")
    try:
        table = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        table = {}
    if list(table) == ["value"]:
        return key, table["value"]
    if UNQUOTED_STRING.fullmatch(value):
        return key, value
    wanted = 'a value as in TOML: 5, 0.5, true, "text", [1, 2] or {min = 1, max = 2}'
    raise ExperimentError(f"--set {shown(text)}: {shown(value)} came; wanted: {wanted}")


def with_setting(tables: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A copy of nested tables in which the dotted key has another value.

    Raises:
        ExperimentError: It is no key, a part of it before its last is no table, or an array has no
            table of that number.

    >>> with_setting({"search": {"epochs": 5}}, "search.patience", 2)
    {'search': {'epochs': 5, 'patience': 2}}
    >>> with_setting({"model": [{"epochs": 5}, {"epochs": 5}]}, "model[2].epochs", 7)
    {'model': [{'epochs': 5}, {'epochs': 7}]}
    """
    copied = deepcopy(dict(tables))
    holder: Any = copied
    path = path_of(key)
    if not path:
        raise ExperimentError(f"--set {shown(key)}: wanted: a key's name, such as search.patience")
    *above, last = path
    before = ""
    for place in above:
        _check_place(holder, place, f"--set {key}: {before!r}")
        holder = holder.setdefault(place, {}) if isinstance(place, str) else holder[place]
        before = str(place)
    _check_place(holder, last, f"--set {key}: {before!r}")
    holder[last] = value
    return copied


def path_of(key: str) -> list[str | int]:
    """The names of a dotted key, and the indices of tables in arrays, which people count from 1.

    >>> path_of("model[3].units")
    ['model', 2, 'units']
    """
    path: list[str | int] = []
    for name, number in SETTING_PART.findall(key):
        path += [name, int(number) - 1] if number else [name]
    return path


def _check_place(holder: Any, place: str | int, start: str) -> None:
    """Whether a table may have a key, or an array has a table of this index."""
    if isinstance(place, str):
        if not isinstance(holder, dict):
            raise ExperimentError(f"{start} is a value, not a table with keys")
    elif not isinstance(holder, list):
        raise ExperimentError(f"{start} is no array of tables to take number {place + 1} of")
    elif place >= len(holder):
        raise ExperimentError(f"{start} has {len(holder)} tables, and no number {place + 1}")


def new_tables(tables: Mapping[str, Any], keys: Iterable[str]) -> set[str]:
    """Tables above some dotted keys that are not among nested tables.

    >>> sorted(new_tables({"search": {"epochs": 5}}, ["search.epochs", "a.b.c"]))
    ['a', 'a.b']
    """
    above = {
        ".".join(parts[:end])
        for key in keys
        for parts in [key.split(".")]
        for end in range(1, len(parts))
    }
    return {table for table in above if not _has(tables, table)}


def _has(tables: Mapping[str, Any], key: str) -> bool:
    found: Any = tables
    for place in path_of(key):
        if isinstance(place, str):
            if not isinstance(found, Mapping) or place not in found:
                return False
        elif not isinstance(found, list) or place >= len(found):
            return False
        found = found[place]
    return True


def flat(tables: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested tables as one with dotted keys.

    >>> flat({"name": "x", "search": {"seed": 1}})
    {'name': 'x', 'search.seed': 1}
    """
    pairs: dict[str, Any] = {}
    for key, value in tables.items():
        if isinstance(value, Mapping):
            pairs.update(flat(value, f"{above}{key}."))
        else:
            pairs[f"{above}{key}"] = value
    return pairs
