"""The arguments of a user's hypermodel class: those offered to it, and those of the file."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Collection, Mapping
from inspect import Parameter, Signature
from typing import Any

from trialstack.errors import ExperimentError
from trialstack.hypermodels.source import FUNCTIONS, ModuleSource, bindings

OFFERED = ("n_features", "n_classes", "mean", "variance")
"""What a class is given if its signature names it."""

KEY = "hypermodel.params"


def check_arguments(
    signature: inspect.Signature,
    params: Mapping[str, Any],
    name: str,
    place_of: Callable[[str], str],
    offered: Collection[str] = OFFERED,
) -> list[str]:
    """Makes sure that a class can be called.

    Args:
        signature: Of the class.
        params: Arguments from `[hypermodel.params]`, all of which it must take.
        name: `package.module:Class`.
        place_of: Where a key of the experiment came from.
        offered: Names of the arguments that it gets if it names them.

    Returns:
        Those of the offered ones that it gets.

    Raises:
        ExperimentError: It does not take one of the params, or needs more.
    """
    parameters = signature.parameters.values()
    named = {p.name: p for p in parameters if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    unknown = [key for key in params if key not in named and not takes_any]
    if unknown:
        raise ExperimentError(
            f"{place_of(f'{KEY}.{unknown[0]}')}: key {KEY!r}: {name!r} takes no {unknown[0]!r}; "
            f"it takes: {', '.join(named) or 'nothing'}"
        )
    given = [key for key in offered if key in named and key not in params]
    needed = [p.name for p in named.values() if p.default is p.empty]
    missing = [key for key in needed if key not in params and key not in given]
    if missing:
        raise ExperimentError(
            f"{place_of(KEY)}: key {KEY!r}: {name!r} needs {missing[0]!r}; add it to "
            "[hypermodel.params]"
        )
    return given


def written_signature(source: ModuleSource, class_name: str) -> Signature | None:
    """The signature of a hypermodel class as its source has it; None if that is not sure."""
    definition = source.class_of(class_name)
    if definition is None or len(definition.bases) != 1:
        return None
    above = _signature_above(source, definition)
    made_by = [by for name, by in bindings(definition.body) if name in {"__init__", "__new__"}]
    if above is None or not made_by:
        return above
    (made, *others) = made_by
    if others or not isinstance(made, FUNCTIONS) or made.decorator_list:
        return None
    return _without_self(made.args) if made.name == "__init__" else None


def _signature_above(source: ModuleSource, definition: ast.ClassDef) -> Signature | None:
    path = source.path_of(definition.bases[0])
    if path.startswith("keras_tuner.") and path.endswith(".HyperModel"):
        names = ("name", "tunable")
        return Signature([Parameter(n, Parameter.KEYWORD_ONLY, default=None) for n in names])
    above = source.class_of(path)
    return written_signature(source, path) if above and above.lineno < definition.lineno else None


def _without_self(arguments: ast.arguments) -> Signature:
    """The signature, with None in place of each default."""
    _self, *positional = [*arguments.posonlyargs, *arguments.args]
    n_required = len(positional) - len(arguments.defaults)
    defaults: list[Any] = [None] * len(positional)
    defaults[:n_required] = [Parameter.empty] * n_required
    parameters = [
        Parameter(arg.arg, Parameter.POSITIONAL_OR_KEYWORD, default=default)
        for arg, default in zip(positional, defaults, strict=True)
    ]
    for arg, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        default = Parameter.empty if value is None else None
        parameters.append(Parameter(arg.arg, Parameter.KEYWORD_ONLY, default=default))
    if arguments.kwarg is not None:
        parameters.append(Parameter(arguments.kwarg.arg, Parameter.VAR_KEYWORD))
    return Signature(parameters)
