"""The module that has a hypermodel class of the user's own."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import sysconfig
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from trialstack.errors import ExperimentError


def require_module(name: str, folder: Path, start: str) -> None:
    """Refuses a module that cannot be imported or has no hypermodel, as far as that shows.

    It is not imported: with it, Keras Tuner and TensorFlow would be, which takes a while.

    Args:
        name: `package.module`. It is looked for among the installed ones, then in the current
            directory, then in `folder`.
        folder: Of the experiment file.
        start: Of the error line: where the name came from.

    Raises:
        ExperimentError: There is no such module, or it is one of Python's own.
    """
    _add_to_path(folder)
    if name not in sys.modules and not _is_there(name):
        raise _no_module(name, folder, start)
    if _is_of_python(name.partition(".")[0]):
        raise ExperimentError(
            f"{start}: {name!r} is a module of Python's own and has no hypermodel; give a class "
            "of yours as 'package.module:Class'"
        )


def import_module(name: str, folder: Path, start: str) -> ModuleType:
    """Imports a module; see `require_module`.

    Raises:
        ExperimentError: There is no such module, or its code raises.
    """
    _add_to_path(folder)
    try:
        return importlib.import_module(name)
    except Exception as error:
        if _is_missing(error, name):
            raise _no_module(name, folder, start) from None
        raise ExperimentError(f"{start}: importing {name!r} raised {told(error)}") from error


def told(error: Exception) -> str:
    """An error of the user's code in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _add_to_path(folder: Path) -> None:
    # They stay on the path, at its end: the module may import its neighbours later, and must not
    # hide an installed one.
    for place in (str(Path.cwd()), str(folder.absolute())):
        if place not in sys.path:
            sys.path.append(place)
    importlib.invalidate_caches()


def _is_there(name: str) -> bool:
    if _found_unimported(name):
        return True
    try:
        # Imports the packages above it, one of which may say itself where its modules are.
        return importlib.util.find_spec(name) is not None
    except Exception as error:
        return not _is_missing(error, name)  # if it breaks, its import is going to say why


def _found_unimported(name: str) -> bool:
    places: Sequence[str] | None = None
    full_name = ""
    for part in name.split("."):
        full_name = f"{full_name}.{part}" if full_name else part
        spec = _spec(full_name, places)
        if spec is None:
            return False
        places = spec.submodule_search_locations or ()  # nothing is below a plain module
    return True


def _spec(name: str, places: Sequence[str] | None) -> ModuleSpec | None:
    found = (finder.find_spec(name, places) for finder in sys.meta_path)
    return next((spec for spec in found if spec is not None), None)


def _is_missing(error: Exception, name: str) -> bool:
    """Whether an import failed for want of the module itself, not of one that it imports."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return False
    return f"{name}.".startswith(f"{error.name}.")


def _is_of_python(package: str) -> bool:
    """Whether it is of the standard library, and not a module of the user's that hides it."""
    spec = _spec(package, None)
    if package not in sys.stdlib_module_names or spec is None:
        return False
    library = sysconfig.get_path("stdlib")
    return not spec.has_location or Path(str(spec.origin)).is_relative_to(library)


def _no_module(name: str, folder: Path, start: str) -> ExperimentError:
    return ExperimentError(
        f"{start}: no module {name!r} in the current directory, in {folder} or installed"
    )
