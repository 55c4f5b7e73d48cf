"""What can be refused of a user's hypermodel before anything of it is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trialstack.errors import ExperimentError
from trialstack.hypermodels.arguments import check_arguments, written_signature
from trialstack.hypermodels.modules import broken, require_module
from trialstack.hypermodels.source import ModuleSource


def require_hypermodel(
    name: str, params: Mapping[str, Any], folder: Path, place_of: Callable[[str], str]
) -> None:
    """Refuses what cannot be a hypermodel class, or cannot be called so, as far as that shows.

    Nothing is imported: with the module, Keras Tuner and TensorFlow would be, which takes a while.

    Args:
        name: `package.module:Class`. The module is looked for among the installed ones, then in
            the current directory, then in `folder`.
        params: Arguments from `[hypermodel.params]`.
        folder: Of the experiment file.
        place_of: Where a key of the experiment came from, for error lines.

    Raises:
        ExperimentError: There is no such module or it is one of Python's own, it is no Python, it
            has no such class, that is no hypermodel, or its arguments do not fit.
    """
    module, _, class_name = name.partition(":")
    start = f"{place_of('hypermodel.type')}: key 'hypermodel.type': {name!r}"
    spec = require_module(module, folder, start)
    try:
        source = ModuleSource.of(spec) if spec else None
    except SyntaxError as error:
        raise broken(module, error, start) from error
    if source is None:
        return
    if not source.has(class_name):
        raise has_no(class_name, module, source.hypermodels(), start)
    if not source.may_be_hypermodel(class_name):
        raise no_hypermodel(class_name, start)
    signature = written_signature(source, class_name)
    if signature is not None:
        check_arguments(signature, params, name, place_of)


def has_no(class_name: str, module: str, there: Sequence[str], start: str) -> ExperimentError:
    """That a module has no such class, and which hypermodels are there instead."""
    has = f"its hypermodels are: {', '.join(there)}" if there else "it has no hypermodel"
    return ExperimentError(f"{start}: module {module!r} has no {class_name!r}; {has}")


def no_hypermodel(class_name: str, start: str) -> ExperimentError:
    """That something is no class of the kind that is wanted."""
    return ExperimentError(
        f"{start}: {class_name!r} is not a class derived from keras_tuner.HyperModel"
    )
