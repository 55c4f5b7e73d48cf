"""The checks of `dataset.source` and its parameters, which need no data and no library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

from trialstack.datasets.builtin import BUILTIN, parameters_of
from trialstack.datasets.names import nearest
from trialstack.experiment.available import FILE_FORMATS
from trialstack.experiment.problems import impossible, wrong_keys
from trialstack.experiment.values import LARGEST_SEED, is_number


def is_file(source: str) -> bool:
    """Whether a source is the path of a file, and no built-in name.

    >>> is_file("rows.CSV"), is_file("circles")
    (True, False)
    """
    return source.lower().endswith(FILE_FORMATS.there)


def check_source(value: Any) -> str:
    """The name of a built-in data set, or the path of a file."""
    if isinstance(value, str) and (value in BUILTIN or is_file(value)):
        return value
    mend = nearest(value, BUILTIN) if isinstance(value, str) else ""
    allowed = f"a built-in data set: {', '.join(BUILTIN)}; or a file: {_endings()}"
    raise impossible(value, allowed, mend=mend)


def check_file(value: Any) -> str:
    """The path of a file."""
    if isinstance(value, str) and is_file(value):
        return value
    raise impossible(value, f"a file: {_endings()}")


def _endings() -> str:
    return f"a path that ends in {', '.join(FILE_FORMATS.there)}"


@dataclass(frozen=True)
class Limits:
    """What a parameter of a generated data set may be.

    Attributes:
        allowed: In words.
        fits: Whether a value is so.
    """

    allowed: str
    fits: Callable[[Any], bool]


def _integers(least: int, most: int) -> Limits:
    return Limits(
        f"an integer from {least} to {most}",
        lambda value: type(value) is int and least <= value <= most,
    )


_SPREAD = Limits("a number from 0 to 1000000", lambda v: is_number(v) and 0 <= v <= 1_000_000)

# Names mean the same in all generators; none may be beyond what scikit-learn takes.
PARAMETERS = {
    "n_samples": _integers(1, 10_000_000),
    "n_features": _integers(1, 100_000),
    "centers": _integers(1, 1000),
    "classes": _integers(2, 20),
    "turns": Limits("a number from 0.1 to 10", lambda v: is_number(v) and 0.1 <= v <= 10),
    "noise": _SPREAD,
    "factor": Limits("a number from 0 to below 1", lambda v: is_number(v) and 0 <= v < 1),
    "cluster_std": _SPREAD,
    "seed": _integers(0, LARGEST_SEED),
}

MOST_CELLS = 100_000_000
"""Numbers in the tables of features and of class probabilities, eight bytes each; some copies of
them must fit into the memory of an ordinary machine."""


def check_parameters(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a built-in data set: those given, and the defaults of the others."""
    defaults = parameters_of(name)
    allowed = ", ".join(defaults) or f"none: {name!r} has no parameters"
    unknown = [
        (f"params.{key}", f"no such parameter; allowed: {allowed}{nearest(key, defaults)}")
        for key in given
        if key not in defaults
    ]
    if unknown:
        raise wrong_keys(unknown)
    for key, value in given.items():
        if not PARAMETERS[key].fits(value):
            raise impossible(value, PARAMETERS[key].allowed, f"params.{key}")
    # A parameter is of the kind that its default is: `noise = 0` is the same as `noise = 0.0`.
    parameters = {key: type(value)(given.get(key, value)) for key, value in defaults.items()}
    _check_size(parameters, given)
    return parameters


def _check_size(parameters: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    rows, features = parameters.get("n_samples", 0), parameters.get("n_features", 2)
    classes = parameters.get("centers", parameters.get("classes", 2))
    if "classes" in parameters and rows < classes:
        allowed = f"an integer from {classes}, one row for each of the classes"
        raise impossible(rows, allowed, "params.n_samples")
    if rows * (features + classes) > MOST_CELLS:
        sizes = ("n_samples", "n_features", "centers", "classes")
        key = next(key for key in sizes if key in given)
        allowed = f"rows x (features + classes) up to {MOST_CELLS}"
        mend = f", not {rows} x ({features} + {classes})"
        raise impossible(parameters[key], allowed, f"params.{key}", mend)


Source = Annotated[str, BeforeValidator(check_source)]
FileSource = Annotated[str, BeforeValidator(check_file)]
