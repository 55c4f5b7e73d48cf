"""The `[dataset]` table as a frozen, validated value."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from trialstack.experiment.available import SPLITS, VALIDATIONS
from trialstack.experiment.problems import impossible, wrong_keys
from trialstack.experiment.section import Section
from trialstack.experiment.sources import FileSource, Source, check_parameters, is_file
from trialstack.experiment.values import (
    Flag,
    Fraction,
    Label,
    Seed,
    Separator,
    Table,
    Text,
    Texts,
    one_of,
)

FILE_KEYS = (
    "target",
    "drop",
    "categorical",
    "positive",
    "group",
    "time",
    "test_source",
    "drop_missing_target",
    "group_duplicates",
    "separator",
    "encoding",
    "made_by",
)
"""Keys that only a file has a use for."""


def _default_split(so_far: dict[str, Any]) -> str:
    if so_far.get("test_source") is not None:
        return "none"
    return "time" if so_far.get("time") is not None else "stratified"


def _default_test_size(so_far: dict[str, Any]) -> float:
    return 0.0 if so_far.get("split") == "none" else 0.25


def _default_validation(so_far: dict[str, Any]) -> str:
    return "last" if so_far.get("time") is not None else "stratified"


class DatasetSettings(Section):
    """Which rows there are and who sees them.

    Attributes:
        source: Name of a built-in data set, or the path of a file, relative to the experiment's.
        target: Column of a file that is predicted.
        drop: Columns of a file that nobody is to see.
        categorical: Columns of a file whose numbers are names of something.
        positive: Of two labels the one that F1 and its like are about; by default the second one.
        group: Column of a file: rows that have the same value there stay on one side of a split.
        time: Column of a file by which its rows are ordered for `split = "time"`.
        test_source: Path of a file with the test rows, which then nothing is split off for.
        drop_missing_target: Leave out rows without a target, instead of refusing them.
        group_duplicates: Rows that are equal stay on one side of a split.
        separator: Between the cells of a CSV file; a comma by default.
        encoding: Of a CSV file; UTF-8 by default.
        made_by: The command that makes a file that is generated: said where it is not there.
        split: `"stratified"`: test rows drawn evenly over the classes; `"first"`: the last rows
            are the test rows; `"time"`: the latest rows are; `"none"`: there are none.
        test_size: Part of all rows that is sealed until the end.
        validation: `"stratified"`, or `"last"`: the last training rows, as Keras'
            `validation_split` takes them; by default if rows have a time.
        validation_size: Part of the training rows that trials are judged by; 0 = none.
        seed: Of both splits.
        params: Parameters of a generated data set, all of them once it is validated.
    """

    source: Source = Field(examples=['source = "breast_cancer"'])
    target: Text | None = None
    drop: Texts | None = None
    categorical: Texts | None = None
    positive: Label | None = None
    group: Text | None = None
    time: Text | None = None
    test_source: FileSource | None = None
    drop_missing_target: Flag | None = None
    group_duplicates: Flag | None = None
    separator: Separator | None = None
    encoding: Text | None = None
    made_by: Text | None = None
    split: Annotated[str, BeforeValidator(one_of(SPLITS))] = Field(default_factory=_default_split)
    test_size: Fraction = Field(default_factory=_default_test_size)
    validation: Annotated[str, BeforeValidator(one_of(VALIDATIONS))] = Field(
        default_factory=_default_validation
    )
    validation_size: Fraction = 0.25
    seed: Seed = 42
    params: Table = Field(default_factory=dict, validate_default=True)

    @property
    def is_file(self) -> bool:
        """Whether the source is a file."""
        return is_file(self.source)

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.is_file:
            self._check_file()
        else:
            self._check_builtin()
        if self.split == "none" and self.test_size > 0:
            allowed = '0, or no such key, as split = "none" leaves no test rows'
            raise impossible(self.test_size, allowed, "test_size")
        if self.split != "none" and self.test_size == 0:
            allowed = 'a number above 0 and below 1 (no test rows: split = "none")'
            raise impossible(self.test_size, allowed, "test_size")
        return self

    def _check_builtin(self) -> None:
        for key in FILE_KEYS:
            if (came := getattr(self, key)) is not None:
                allowed = "no such key: a built-in data set has its own target"
                if key != "target":
                    allowed = "no such key: it is for a source that is a file"
                raise impossible(came, allowed, key)
        if self.split == "time":
            raise impossible("time", 'it goes with a file and time = "column"', "split")
        # The model is frozen, and nobody has seen it yet: fill in the defaults of this source.
        self.__dict__["params"] = check_parameters(self.source, self.params)

    def _check_file(self) -> None:
        if self.target is None:
            text = 'it is missing; a file needs it: target = "name of the column to predict"'
            raise wrong_keys([("target", text)])
        if self.params:
            raise impossible(self.params, "no such table: a file has no parameters", "params")
        self._check_columns()
        if self.test_source is not None and self.split != "none":
            allowed = "no such key: the test rows are those of test_source"
            raise impossible(self.split, allowed, "split")
        if (self.time is not None) != (self.split == "time") and self.test_source is None:
            if self.time is None:
                raise impossible("time", 'it goes with time = "column"', "split")
            raise impossible(self.split, '"time", or no such key, as time is given', "split")
        together = self.group is not None or bool(self.group_duplicates)
        if together and self.split in {"first", "time"}:
            key = "group" if self.group is not None else "group_duplicates"
            other = f'time = "{self.time}"' if self.time is not None else f'split = "{self.split}"'
            allowed = f"no such key with {other}, which takes rows by their place"
            raise impossible(getattr(self, key), allowed, key)
        if together and self.validation == "last":
            allowed = '"stratified" where rows are kept together'
            raise impossible(self.validation, allowed, "validation")

    def _check_columns(self) -> None:
        """A column has one part."""
        parts = {
            "target": (self.target,),
            "drop": self.drop or (),
            "categorical": self.categorical or (),
            "group": (self.group,),
            "time": (self.time,),
        }
        seen: dict[str, str] = {}
        for key, names in parts.items():
            for name in names:
                if name is None:
                    continue
                if name in seen:
                    allowed = f"columns that are not named elsewhere; {name!r} is in {seen[name]}"
                    raise impossible(getattr(self, key), allowed, key)
                seen[name] = key
