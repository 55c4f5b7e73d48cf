"""The first experiment file, for somebody to edit."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from trialstack.datasets.builtin import BUILTIN
from trialstack.errors import InputError
from trialstack.experiment import Experiment


def write_new(name: str, folder: Path) -> Path:
    """Writes `NAME.toml`, a complete experiment that runs as it is.

    Args:
        name: Of the experiment.
        folder: Where the file goes.

    Raises:
        InputError: The name cannot be one, or the file is there already.
    """
    template = files("trialstack").joinpath("templates/experiment.toml").read_text("utf-8")
    text = template.format(name=name, sources=", ".join(sorted(BUILTIN)))
    path = folder / f"{name}.toml"
    _check(name, text)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path} is there already; choose another name") from None
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    return path


def _check(name: str, text: str) -> None:
    import tomllib

    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise InputError(
            f"name {name!r}: allowed are letters, digits, '-', '_' and single '.'"
        ) from None
    Experiment.from_dict(tables, "name")
