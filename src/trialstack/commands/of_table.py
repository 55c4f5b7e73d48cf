"""Options of commands that take a table in place of an experiment file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialstack.datasets.table_file import Table, open_table
from trialstack.errors import InputError
from trialstack.experiment import Experiment, Ladder
from trialstack.experiment.load import load_experiment
from trialstack.experiment.of_table import COMMENTS, experiment_of_table
from trialstack.experiment.writing import toml_text

DATASET_OPTIONS = (
    "target",
    "drop",
    "categorical",
    "positive",
    "group",
    "time",
    "test_source",
    "separator",
    "encoding",
    "drop_missing_target",
    "group_duplicates",
)
"""Options that are keys of the `[dataset]` table."""

GUESSED_BYTES_A_CELL = 6


@dataclass(frozen=True)
class TableOptions:
    """What was said of a table on the command line.

    Attributes:
        data: The file; None = an experiment file came instead.
        name: Of the experiment.
        dataset: Options that are keys of `[dataset]`, as far as they came.
    """

    data: str | None
    name: str | None
    dataset: Mapping[str, Any]

    @classmethod
    def of(cls, options: dict[str, Any]) -> TableOptions:
        """Takes them out of a command's options."""
        given = {key: options.pop(key) for key in DATASET_OPTIONS}
        dataset = {key: value for key, value in given.items() if value not in (None, False, ())}
        lists = {key: list(dataset[key]) for key in ("drop", "categorical") if key in dataset}
        return cls(options.pop("data"), options.pop("name"), dataset | lists)

    def experiment(self, path: str | None, command: str) -> Experiment:
        """The experiment that is meant.

        Args:
            path: Of an experiment file, if one came.
            command: The name of the command, for error lines.

        Raises:
            InputError: Both came, or neither, or a part of what a table needs.
        """
        if self.data is None:
            return Experiment.load(self._file(path, command))
        if path is not None:
            raise InputError(f"{path} and --data {self.data} came; give one of them")
        table = self._open()
        if "target" not in self.dataset:
            raise InputError(
                "--target is missing; name the column to predict, such as the last one: --target "
                f"{shlex.quote(table.columns[-1])}"
            )
        return experiment_of_table(self.data, self.dataset, rows=rows_about(table), name=self.name)

    def any_experiment(self, path: str | None, command: str) -> Experiment | Ladder:
        """As `experiment`, but a file may hold fixed models, too."""
        if self.data is None:
            return load_experiment(self._file(path, command))
        return self.experiment(path, command)

    def _file(self, path: str | None, command: str) -> str:
        """The path of the experiment file that came."""
        given = [*self.dataset, *(["name"] if self.name is not None else [])]
        if given:
            option = f"--{given[0].replace('_', '-')}"
            raise InputError(
                f"{option} goes with --data; in an experiment file it is a key"
                + ("" if given[0] == "name" else f" of [dataset]: {given[0]} = ...")
            )
        if path is None:
            raise InputError(
                f"no experiment file came; give one, make one with: trialstack new NAME, or give "
                f"a table: trialstack {command} --data rows.csv --target COLUMN"
            )
        return path

    def _open(self) -> Table:
        assert self.data is not None
        return open_table(
            Path(self.data),
            separator=self.dataset.get("separator", ","),
            encoding=self.dataset.get("encoding", "utf-8"),
        )


def rows_about(table: Table) -> int:
    """About how many rows a table has: enough to choose between small and large batches."""
    if table.rows is not None:
        return table.rows
    packed = 4 if table.path.suffix.lower() == ".gz" else 1
    return table.size * packed // (GUESSED_BYTES_A_CELL * len(table.columns))


def experiment_text(experiment: Experiment, folder: Path) -> str:
    """The experiment file that repeats a search of a table.

    Args:
        experiment: That was searched.
        folder: Where the file is going to be: its paths are relative to it.
    """
    tables = experiment.as_given()
    for key in ("source", "test_source"):
        if key in tables["dataset"]:
            path = Path(tables["dataset"][key]).expanduser()
            if not path.is_absolute():
                tables["dataset"][key] = os.path.relpath(path.absolute(), folder.absolute())
    return toml_text(tables, COMMENTS)


@dataclass(frozen=True)
class SavedExperiment:
    """Where the experiment file of a table goes.

    Attributes:
        path: The file.
        text: What is written.
    """

    path: Path
    text: str

    @classmethod
    def of(cls, save: str, experiment: Experiment) -> SavedExperiment:
        """Refuses, before anything is computed, a file that could not be written.

        Raises:
            InputError: It is there already with other content, has another ending, or its folder
                is not there.
        """
        path = Path(save)
        if path.suffix != ".toml":
            raise InputError(f"--save {save}: let the name end in .toml")
        if not os.access(path.absolute().parent, os.W_OK):
            raise InputError(f"--save {save}: there is no folder {path.parent} to write to")
        saved = cls(path, experiment_text(experiment, path.parent))
        if path.exists() and not saved.is_there:  # the same command goes on after an interruption
            raise InputError(f"--save {save}: there already; choose another name")
        return saved

    @property
    def is_there(self) -> bool:
        """Whether it is written already."""
        return self.path.is_file() and self.path.read_bytes() == self.text.encode()

    def write(self) -> None:
        """Writes it, unless it is written already.

        Raises:
            InputError: Another file has come meanwhile, or it cannot be written.
        """
        if self.is_there:
            return
        try:
            with self.path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(self.text)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"--save {self.path} cannot be written: {reason}") from error
