"""An experiment that searches."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from trialstack.datasets.names import nearest
from trialstack.experiment.available import MLP_METRICS
from trialstack.experiment.file import ExperimentFile
from trialstack.experiment.hypermodel import HypermodelSettings, MLPSettings
from trialstack.experiment.problems import impossible
from trialstack.experiment.sections import BaselineSettings, FinalSettings, SearchSettings
from trialstack.trials import Objective

NOT_IDENTITY = frozenset({"name", "description", "search.max_trials", "search.executor"})
"""Keys that may change between the start of a search and its resumption."""

PATHS = frozenset({"dataset.source", "dataset.test_source", "dataset.made_by"})
"""Keys that say where rows lie, or come from. The digest says which they are: they may be moved."""


class Experiment(ExperimentFile):
    """What an experiment file with a search says.

    Attributes:
        hypermodel: What is built from hyperparameters.
        baseline: The fixed model that the winner is compared with; None = no comparison.
        search: How hyperparameters are chosen and trials are trained.
        final: What becomes of the best trials; None = the best one is the final model.

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

    command: ClassVar[str] = "tune"

    hypermodel: HypermodelSettings = Field(examples=["[hypermodel] with units = [[25, 99]]"])
    baseline: BaselineSettings | None = None
    search: SearchSettings = Field(default_factory=lambda: SearchSettings.model_validate({}))
    final: FinalSettings | None = None

    @property
    def objective(self) -> Objective:
        """What the search optimises, and which way."""
        return Objective(self.search.objective, self.search.direction)

    def identity_settings(self) -> dict[str, Any]:
        """What makes two searches the same search: flat dotted keys of `resolved()`.

        The number of trials and the executor may differ between two runs of one search, and so
        may the names of what comes out and the path of a file.
        """
        left_out = NOT_IDENTITY | PATHS if self.dataset.is_file else NOT_IDENTITY
        return {k: v for k, v in self.flat_settings().items() if k not in left_out}

    @model_validator(mode="after")
    def _check_class_weight(self) -> Self:
        weights = self.search.class_weight
        if weights and getattr(self.hypermodel, "class_weight", None):
            allowed = "no such key beside hypermodel.class_weight"
            raise impossible(weights, allowed, "search.class_weight")
        return self

    @model_validator(mode="after")
    def _check_ensemble(self) -> Self:
        greedy = self.final is not None and self.final.members == "greedy"
        if greedy and not self.dataset.validation_size > 0:
            allowed = "'all', as dataset.validation_size = 0 leaves no rows to select members by"
            raise impossible("greedy", allowed, "final.members")
        return self

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
