"""What every experiment file has: a name, data, and a memory of where its keys came from."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, PrivateAttr, ValidationError

from trialstack.errors import ExperimentError
from trialstack.experiment.available import COMMAND_OF_TABLE
from trialstack.experiment.dataset import DatasetSettings
from trialstack.experiment.problems import explain, one_line
from trialstack.experiment.reading import flat, new_tables, read_toml, with_setting
from trialstack.experiment.section import Section
from trialstack.experiment.values import Name, Text


class ExperimentFile(Section):
    """An experiment file of any kind: validated, complete and unchangeable.

    Attributes:
        command: The `trialstack` command that runs files of this kind.
        name: MLflow experiment and registered model.
        description: For people.
        dataset: Which rows there are and who sees them.
    """

    command: ClassVar[str]

    name: Name = Field(examples=['name = "breast-cancer"'])
    description: Text = ""
    dataset: DatasetSettings = Field(examples=['[dataset] with source = "breast_cancer"'])

    _given: dict[str, Any] = PrivateAttr(default_factory=dict)
    _where: str = PrivateAttr(default="experiment")
    _folder: Path = PrivateAttr(default_factory=Path)
    _changed: frozenset[str] = PrivateAttr(default=frozenset())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads and checks an experiment file.

        Raises:
            ExperimentError: The file cannot be read, is not TOML, is of another kind, or a key is
                wrong.
            NotBuiltError: It asks for something that this version does not have.
        """
        path = Path(path)
        return cls.from_dict(read_toml(path), one_line(str(path)), path.absolute().parent)

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], where: str = "experiment", folder: str | Path = "."
    ) -> Self:
        """Checks the tables of an experiment.

        Args:
            data: As TOML gives them.
            where: Where they came from, for error lines.
            folder: What relative paths and modules of the user are relative to.

        Raises:
            ExperimentError: The tables are those of another kind of file, or a key is wrong.
            NotBuiltError: It asks for something that this version does not have.
        """
        return cls._checked(data, where, Path(folder), frozenset())

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """The same experiment with other values of some keys, checked anew.

        Args:
            settings: Dotted key (`search.patience`, `model[3].units`) -> value as TOML gives it.

        Raises:
            ExperimentError: A key is wrong.
            NotBuiltError: It asks for something that this version does not have.
        """
        data: Mapping[str, Any] = self._given
        for key, value in settings.items():
            data = with_setting(data, key, value)
        changed = self._changed | set(settings) | new_tables(self._given, settings)
        return self._checked(data, self._where, self._folder, changed)

    @classmethod
    def _checked(
        cls, data: Mapping[str, Any], where: str, folder: Path, changed: frozenset[str]
    ) -> Self:
        cls._check_kind(data, where, changed)
        try:
            experiment = cls.model_validate(data)
        except ValidationError as error:
            raise explain(error, lambda key: _place(key, changed, where)) from None
        experiment._given = deepcopy(dict(data))
        experiment._where = where
        experiment._folder = folder
        experiment._changed = changed
        return experiment

    @classmethod
    def _check_kind(cls, data: Mapping[str, Any], where: str, changed: frozenset[str]) -> None:
        """Refuses tables of another kind of file, before what is missing here is missed."""
        others = [
            table
            for table, command in COMMAND_OF_TABLE.items()
            if table in data and command != cls.command
        ]
        if not others:
            return
        table = others[0]
        place = _place(table, changed, where)
        shown = f"[[{table}]]" if table == "model" else f"[{table}]"
        if any(COMMAND_OF_TABLE.get(key) == cls.command for key in data):
            raise ExperimentError(
                f"{place}: key {table!r}: a file has either [[model]] tables, which 'trialstack "
                "train' fits, or [hypermodel] with [search], which 'trialstack tune' searches"
            )
        raise ExperimentError(
            f"{place}: key {table!r}: a file with {shown} is not for 'trialstack {cls.command}'; "
            f"run: trialstack {COMMAND_OF_TABLE[table]} {shlex.quote(where)}"
        )

    @property
    def where(self) -> str:
        """Where it came from, for error lines: usually the path of its file."""
        return self._where

    def place_of(self, key: str) -> str:
        """Where a key came from, for error lines: `where`, or the command line.

        Args:
            key: Dotted, such as `dataset.test_size`.
        """
        return _place(key, self._changed, self._where)

    @property
    def folder(self) -> Path:
        """What relative paths and modules of the user are relative to."""
        return self._folder

    def as_given(self) -> dict[str, Any]:
        """The tables that it was made from, with later settings, without defaults."""
        return deepcopy(self._given)

    def resolved(self) -> dict[str, Any]:
        """All tables with every default filled in, fit for JSON; keys without value are absent."""
        return self.model_dump(mode="json", exclude_none=True)

    def flat_settings(self) -> dict[str, Any]:
        """`resolved()` with dotted keys."""
        return flat(self.resolved())


def _place(key: str, changed: frozenset[str], where: str) -> str:
    parts = key.replace("[", ".[").split(".")  # model[3].units: model, its third, and units
    above = {".".join(parts[:end]).replace(".[", "[") for end in range(1, len(parts) + 1)}
    return "command line" if above & changed else where
