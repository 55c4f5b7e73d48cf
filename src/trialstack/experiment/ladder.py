"""An experiment of fixed models, each one step beyond the one before it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from trialstack.datasets.names import nearest
from trialstack.errors import InputError
from trialstack.experiment.dataset import DatasetSettings
from trialstack.experiment.file import ExperimentFile
from trialstack.experiment.models import ModelSettings
from trialstack.experiment.problems import impossible, wrong_keys
from trialstack.experiment.values import CountFrom0, Fraction, Seed


def _tables(value: Any) -> Any:
    if isinstance(value, list) and value:
        return value
    mend = "; write it as [[model]], with two brackets" if isinstance(value, dict) else ""
    raise impossible(value, "[[model]] tables, at least one", mend=mend)


class LadderDatasetSettings(DatasetSettings):
    """As in a search, but nothing is chosen by validation rows, so there are none by default."""

    validation_size: Fraction = 0.0


class Ladder(ExperimentFile):
    """What an experiment file with `[[model]]` tables says.

    Attributes:
        dataset: See `DatasetSettings`.
        seed: Of the order of rows; with a model's own seed, of its initial weights.
        seeds: So many trainings a model say whether its lesson holds; 0 = none.
        model: The models, in the order of learning, each with its name.

    Example:
        >>> ladder = Ladder.from_dict({
        ...     "name": "rings",
        ...     "dataset": {"source": "circles"},
        ...     "model": [{"units": [], "epochs": 5}, {"units": [8], "epochs": 5}],
        ... })
        >>> [model.name for model in ladder.model]
        ['model_01', 'model_02']
        >>> ladder.with_settings({"model[2].units": [16]}).model[1].units
        (16,)
    """

    command: ClassVar[str] = "train"

    dataset: LadderDatasetSettings = Field(examples=['[dataset] with source = "circles"'])
    seed: Seed = 42
    seeds: CountFrom0 = 0
    model: Annotated[tuple[ModelSettings, ...], BeforeValidator(_tables)] = Field(
        examples=["[[model]] with units = [4, 4] and epochs = 100"]
    )

    def order_of(self, model: ModelSettings) -> str:
        """Position of a model from 1, padded so that it sorts as text.

        >>> ladder = Ladder.from_dict({"name": "a", "dataset": {"source": "circles"},
        ...                            "model": [{"units": [], "epochs": 5}]})
        >>> ladder.order_of(ladder.model[0])
        '01'
        """
        return _padded(self.model.index(model) + 1, len(self.model))

    def chosen(self, names: Sequence[str], option: str = "--only") -> tuple[ModelSettings, ...]:
        """The models of some names, in the order of the file; all if there are no names.

        Args:
            names: Zeros before a number do not count: `model_7` is `model_07`.
            option: Where they came from, for the error line.

        Raises:
            InputError: There is no such model.
        """
        known = {_normal(str(model.name)): model for model in self.model}
        for name in names:
            if _normal(name) not in known:
                there = [str(model.name) for model in self.model]
                raise InputError(
                    f"{option} {name}: {self.where} has no such model; there are: "
                    f"{', '.join(there)}{nearest(name, there)}"
                )
        wanted = {_normal(name) for name in names}
        return tuple(model for name, model in known.items() if not wanted or name in wanted)

    def sweep_of(self, model: ModelSettings) -> ModelSettings | None:
        """The model whose sweep suggests a model's learning rate; None = no other one does."""
        if not isinstance(model.learning_rate, str):
            return None
        name = _normal(model.learning_rate)
        return next(other for other in self.model if _normal(str(other.name)) == name)

    @model_validator(mode="after")
    def _name_models(self) -> Self:
        count = len(self.model)
        named = tuple(
            model if model.name else model.model_copy(update={"name": f"model_{number}"})
            for number, model in zip(_numbers(count), self.model, strict=True)
        )
        self.__dict__["model"] = named  # frozen, but nobody has seen it yet
        first: dict[str, int] = {}
        for number, model in enumerate(named, 1):
            if (before := first.setdefault(_normal(str(model.name)), number)) != number:
                text = f"{model.name!r} came; allowed: another name, as model[{before}] has it"
                raise wrong_keys([(f"model[{number}].name", text)])
        self._check_rates()
        return self

    def _check_rates(self) -> None:
        """Whether every model that takes another's learning rate comes after that one."""
        sweeps: list[str] = []
        for number, model in enumerate(self.model, 1):
            rate = model.learning_rate
            if isinstance(rate, str) and _normal(rate) not in map(_normal, sweeps):
                there = f": {', '.join(sweeps)}" if sweeps else ", of which there is none"
                allowed = f"a number above 0, or the name of a model before it with a sweep{there}"
                raise impossible(rate, allowed, f"model[{number}].learning_rate")
            if model.sweep is not None:
                sweeps.append(str(model.name))


def _numbers(count: int) -> Iterable[str]:
    return (_padded(number, count) for number in range(1, count + 1))


def _padded(number: int, count: int) -> str:
    return str(number).zfill(max(2, len(str(count))))


def _normal(name: str) -> str:
    """A name without the zeros before its last number.

    >>> _normal("model_07"), _normal("model_10"), _normal("v1.0")
    ('model_7', 'model_10', 'v1.0')
    """
    return re.sub(r"(?<![\d.])0+(?=\d+$)", "", name)
