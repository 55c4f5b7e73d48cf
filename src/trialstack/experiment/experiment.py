"""The experiment as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from trialstack.experiment.available import MLP_METRICS
from trialstack.experiment.hypermodel import HypermodelSettings, MLPSettings
from trialstack.experiment.problems import explain, impossible, nearest, one_line
from trialstack.experiment.reading import flat, new_tables, read_toml, with_setting
from trialstack.experiment.section import Section
from trialstack.experiment.sections import BaselineSettings, DatasetSettings, SearchSettings
from trialstack.experiment.values import Name, Text
from trialstack.trials import Objective

NOT_IDENTITY = frozenset({"name", "description", "search.max_trials", "search.executor"})
"""Keys that may change between the start of a search and its resumption."""


class Experiment(Section):
    """What an experiment file says: validated, complete and unchangeable.

    Attributes:
        name: MLflow experiment and registered model.
        description: For people.
        dataset: Which rows there are and who sees them.
        hypermodel: What is built from hyperparameters.
        baseline: The fixed model that the winner is compared with; None = no comparison.
        search: How hyperparameters are chosen and trials are trained.

    Example:
        >>> experiment = Experiment.from_dict({
        ...     "name": "rings",
        ...     "dataset": {"source": "circles"},
        ...     "hypermodel": {"units": [[2, 8]]},
        ... })
        >>> experiment.search.epochs, experiment.dataset.params["noise"]
        (50, 0.03)
        >>> experiment.with_settings({"search.epochs": 5}).search.epochs
        5
    """

    name: Name = Field(examples=['name = "breast-cancer"'])
    description: Text = ""
    dataset: DatasetSettings = Field(examples=['[dataset] with source = "breast_cancer"'])
    hypermodel: HypermodelSettings = Field(examples=["[hypermodel] with units = [[25, 99]]"])
    baseline: BaselineSettings | None = None
    search: SearchSettings = Field(default_factory=lambda: SearchSettings.model_validate({}))

    _given: dict[str, Any] = PrivateAttr(default_factory=dict)
    _where: str = PrivateAttr(default="experiment")
    _folder: Path = PrivateAttr(default_factory=Path)
    _changed: frozenset[str] = PrivateAttr(default=frozenset())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads and checks an experiment file.

        Raises:
            ExperimentError: The file cannot be read, is not TOML, or a key is wrong.
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
            ExperimentError: A key is wrong.
            NotBuiltError: It asks for something that this version does not have.
        """
        return cls._checked(data, where, Path(folder), frozenset())

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """The same experiment with other values of some keys, checked anew.

        Args:
            settings: Dotted key (`search.patience`) -> value as TOML gives it.

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
        try:
            experiment = cls.model_validate(data)
        except ValidationError as error:
            raise explain(error, lambda key: _place(key, changed, where)) from None
        experiment._given = deepcopy(dict(data))
        experiment._where = where
        experiment._folder = folder
        experiment._changed = changed
        return experiment

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

    @property
    def objective(self) -> Objective:
        """What the search optimises, and which way."""
        return Objective(self.search.objective, self.search.direction)

    def resolved(self) -> dict[str, Any]:
        """All tables with every default filled in, fit for JSON; keys without value are absent."""
        return self.model_dump(mode="json", exclude_none=True)

    def identity_settings(self) -> dict[str, Any]:
        """What makes two searches the same search: flat dotted keys of `resolved()`.

        The number of trials and the executor may differ between two runs of one search, and so
        may the names of what comes out.
        """
        return {k: v for k, v in self.flat_settings().items() if k not in NOT_IDENTITY}

    def flat_settings(self) -> dict[str, Any]:
        """`resolved()` with dotted keys."""
        return flat(self.resolved())

    @model_validator(mode="after")
    def _check_objective(self) -> Self:
        objective = self.search.objective
        validated = self.dataset.validation_size > 0
        if objective.startswith("val_") and not validated:
            allowed = "a metric without val_, as dataset.validation_size = 0 leaves no such rows"
            raise impossible(objective, allowed, "search.objective")
        if isinstance(self.hypermodel, MLPSettings):
            produced = [*(f"val_{m}" for m in MLP_METRICS if validated), *MLP_METRICS]
            if objective not in produced:
                mend = nearest(objective, produced)
                raise impossible(objective, ", ".join(produced), "search.objective", mend)
        return self


def _place(key: str, changed: frozenset[str], where: str) -> str:
    parts = key.split(".")
    above = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}  # and the key itself
    return "command line" if above & changed else where
