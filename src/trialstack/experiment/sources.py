"""The checks of `dataset.source` and its parameters, which need no data and no library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import BeforeValidator

from trialstack.datasets.builtin import BUILTIN, parameters_of
from trialstack.experiment.available import FILE_FORMATS
from trialstack.experiment.problems import impossible, nearest, not_built, wrong_keys
from trialstack.experiment.values import is_number


def check_source(value: Any) -> str:
    """The name of a built-in data set, or the path of a file."""
    there = ", ".join(BUILTIN)
    if isinstance(value, str):
        if value in BUILTIN:
            return value
        if PurePath(value).suffix.lower() in FILE_FORMATS.to_come:
            raise not_built(value, f"the built-in data sets {there}")
    mend = nearest(value, BUILTIN) if isinstance(value, str) else ""
    raise impossible(value, f"a built-in data set: {there}", mend=mend)


def check_parameters(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a built-in data set: those given, and the defaults of the others.

    A parameter takes what its default is: an integer, or any number.
    """
    defaults = parameters_of(name)
    allowed = ", ".join(defaults) or f"none: {name!r} has no parameters"
    unknown = [
        (f"params.{key}", f"no such parameter; allowed: {allowed}{nearest(key, defaults)}")
        for key in given
        if key not in defaults
    ]
    if unknown:
        raise wrong_keys(unknown)
    return {key: _like(default, given.get(key, default), key) for key, default in defaults.items()}


def _like(default: float, value: Any, key: str) -> float:
    if isinstance(default, int):
        smallest = 0 if key == "seed" else 1
        if type(value) is int and smallest <= value < 2**32:
            return value
        raise impossible(value, f"an integer from {smallest}", f"params.{key}")
    if is_number(value) and value >= 0:
        return float(value)
    raise impossible(value, "a number from 0", f"params.{key}")


Source = Annotated[str, BeforeValidator(check_source)]
