"""The module that has a hypermodel class of the user's own: found, and imported."""

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


def require_module(name: str, folder: Path, start: str) -> ModuleSpec | None:
    """Finds a module without importing it.

    Args:
        name: `package.module`. It is looked for among the installed ones, then in the current
            directory, then in `folder`.
        folder: Of the experiment file.
        start: Of the error line: where the name came from.

    Returns:
        Where it is; None if that does not show before its import, or it is imported already.

    Raises:
        ExperimentError: There is no such module, or it is one of Python's own.
    """
    _add_to_path(folder)
    spec = None
    if name not in sys.modules:
        try:
            spec = _found(name)
        except ModuleNotFoundError:
            raise _no_module(name, folder, start) from None
    if _is_of_python(name.partition(".")[0]):
        raise ExperimentError(
            f"{start}: {name!r} is a module of Python's own and has no hypermodel; give a class "
            "of yours as 'package.module:Class'"
        )
    return spec


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
        raise broken(name, error, start) from error


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


def _found(name: str) -> ModuleSpec | None:
    """Where a module is; None if looking for it breaks: its import is going to say why.

    Raises:
        ModuleNotFoundError: There is none.
    """
    spec = _found_unimported(name)
    if spec is not None:
        return spec
    try:
        # Imports the packages above it, one of which may say itself where its modules are.
        spec = importlib.util.find_spec(name)
    except Exception as error:
        if not _is_missing(error, name):
            return None
    if spec is None:
        raise ModuleNotFoundError(name=name)
    return spec


def _found_unimported(name: str) -> ModuleSpec | None:
    places: Sequence[str] | None = None
    spec, full_name = None, ""
    for part in name.split("."):
        full_name = f"{full_name}.{part}" if full_name else part
        spec = _spec(full_name, places)
        if spec is None:
            return None
        places = spec.submodule_search_locations or ()  # nothing is below a plain module
    return spec


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


def broken(name: str, error: Exception, start: str) -> ExperimentError:
    """That a module cannot be imported, and why."""
    return ExperimentError(f"{start}: importing {name!r} raised {told(error)}")
