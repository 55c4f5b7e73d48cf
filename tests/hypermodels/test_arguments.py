"""The signature of a class, read from its source: the one that Python gives once it is imported."""

from __future__ import annotations

import inspect
from typing import Any

import keras_tuner
import pytest

from trialstack.errors import ExperimentError
from trialstack.hypermodels.arguments import check_arguments, written_signature
from trialstack.hypermodels.source import ModuleSource

SOURCE = """
import keras_tuner

class Own(keras_tuner.HyperModel):
    def __init__(self, n_features, /, width=3, *rest, depth, rate=0.1, **more): ...
class Below(Own): ...
class Bare(keras_tuner.HyperModel): ...
class BelowBare(Bare):
    def __init__(this): ...

class Made(keras_tuner.HyperModel):
    def __new__(cls, anything): return super().__new__(cls)
class BelowMade(Made):
    def __init__(self): ...
@print
class Decorated(keras_tuner.HyperModel): ...
class Twice(keras_tuner.HyperModel):
    if 1:
        def __init__(self, a): ...
    else:
        def __init__(self, b): ...
class Wrapped(keras_tuner.HyperModel):
    @staticmethod
    def __init__(a): ...
class Both(Own, Bare): ...
"""


def shape(signature: inspect.Signature) -> list[tuple[str, bool, bool]]:
    """Name, whether it is needed, and whether it is `**`, of what can be given by name."""
    return [
        (p.name, p.default is p.empty, p.kind is p.VAR_KEYWORD)
        for p in signature.parameters.values()
        if p.kind is not p.VAR_POSITIONAL
    ]


@pytest.mark.parametrize("name", ["Own", "Below", "Bare", "BelowBare"])
def test_it_is_the_one_that_python_sees(name: str) -> None:
    namespace: dict[str, Any] = {"print": lambda of: of}
    exec(SOURCE, namespace)
    written = written_signature(ModuleSource(SOURCE), name)
    assert written is not None
    assert shape(written) == shape(inspect.signature(namespace[name]))


@pytest.mark.parametrize(
    "name", ["Made", "BelowMade", "Decorated", "Twice", "Wrapped", "Both", "nothing"]
)
def test_what_is_not_sure_is_left_to_the_import(name: str) -> None:
    assert written_signature(ModuleSource(SOURCE), name) is None


def test_arguments_on_offer_are_given_where_they_are_named() -> None:
    def own(n_classes: int, mean: Any = None, width: int = 3) -> None: ...

    given = check_arguments(inspect.signature(own), {"width": 4}, "m:Own", str)
    assert given == ["n_classes", "mean"]
    assert check_arguments(inspect.signature(own), {"mean": 0}, "m:Own", str) == ["n_classes"]


def test_the_line_names_the_place_of_the_argument() -> None:
    def place_of(key: str) -> str:
        return "command line" if key == "hypermodel.params.widht" else "e.toml"

    signature = inspect.signature(keras_tuner.HyperModel)
    with pytest.raises(ExperimentError, match=r"^command line: .* takes no 'widht'; it takes: na"):
        check_arguments(signature, {"widht": 3}, "m:Own", place_of)
