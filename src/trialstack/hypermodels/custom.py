"""A hypermodel class of the user's own, named in the experiment file as `package.module:Class`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras_tuner

from trialstack.errors import ExperimentError
from trialstack.hypermodels.arguments import check_arguments
from trialstack.hypermodels.modules import import_module, told
from trialstack.hypermodels.refusals import has_no, no_hypermodel


def load_hypermodel(
    name: str,
    *,
    offered: Mapping[str, Any],
    params: Mapping[str, Any],
    folder: Path,
    place_of: Callable[[str], str] = lambda key: "experiment",
) -> keras_tuner.HyperModel:
    """An instance of the class.

    Args:
        name: `package.module:Class`. The module is looked for among the installed ones, then in
            the current directory, then in `folder`.
        offered: Arguments that the class gets if its signature names them; see
            `trialstack.hypermodels.arguments.OFFERED`.
        params: Arguments from `[hypermodel.params]`, all of which it must take.
        folder: Of the experiment file.
        place_of: Where a key of the experiment came from, for error lines.

    Raises:
        ExperimentError: There is no such module or class, it is no `keras_tuner.HyperModel`, its
            arguments do not fit, or its code raises.
    """
    place = place_of("hypermodel.type")
    hypermodel_class = _find_class(name, folder, f"{place}: key 'hypermodel.type': {name!r}")
    given = check_arguments(inspect.signature(hypermodel_class), params, name, place_of, offered)
    arguments = {key: offered[key] for key in given}
    try:
        return hypermodel_class(**arguments, **params)
    except Exception as error:
        start = f"{place_of('hypermodel.params')}: key 'hypermodel.params': {name!r}"
        raise ExperimentError(f"{start} raised {told(error)}") from error


def _find_class(name: str, folder: Path, start: str) -> type[keras_tuner.HyperModel]:
    module_name, _, class_name = name.partition(":")
    module = import_module(module_name, folder, start)
    found = getattr(module, class_name, None)
    if found is None:
        there = [
            attribute
            for attribute, value in vars(module).items()
            if inspect.isclass(value) and issubclass(value, keras_tuner.HyperModel)
        ]
        raise has_no(class_name, module_name, there, start)
    if not (inspect.isclass(found) and issubclass(found, keras_tuner.HyperModel)):
        raise no_hypermodel(class_name, start)
    return found
