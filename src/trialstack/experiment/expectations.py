"""What a fixed model is expected to come to: somebody else's figures, and when its lesson holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, model_validator

from trialstack.evaluation.lessons import Expectation
from trialstack.experiment.problems import impossible
from trialstack.experiment.section import Section
from trialstack.experiment.values import is_number


def _share(value: Any) -> float:
    if is_number(value) and 0 <= value <= 1:
        return float(value)
    raise impossible(value, "a number from 0 to 1")


def _interval(highest: float, example: str) -> Callable[[Any], tuple[float, float]]:
    """A check for two numbers from 0, the lower first."""
    above = f"to {highest:g}" if math.isfinite(highest) else "on"
    allowed = f"[low, high] with numbers from 0 {above}, such as {example}"

    def check(value: Any) -> tuple[float, float]:
        if isinstance(value, list) and len(value) == 2 and all(map(is_number, value)):
            low, high = value
            if 0 <= low <= high <= highest:
                return float(low), float(high)
        raise impossible(value, allowed)

    return check


def _figures(value: Any) -> tuple[float, ...]:
    """A number, or a list with one for each stage."""
    figures = value if isinstance(value, list) else [value]
    if figures and all(map(is_number, figures)):
        return tuple(map(float, figures))
    raise impossible(value, "a number, or a list with one for each stage")


Interval = Annotated[tuple[float, float], BeforeValidator(_interval(1, "[0.95, 1.0]"))]
RateInterval = Annotated[tuple[float, float], BeforeValidator(_interval(math.inf, "[0.003, 0.03]"))]
Figures = Annotated[tuple[float, ...], BeforeValidator(_figures)]


class TutorialSettings(Section):
    """What somebody else's training of the model came to, shown beside ours.

    Attributes:
        loss: At the end of each stage.
        accuracy: Likewise.
        learning_rate: That a sweep suggested: one, or the ends of a range.
    """

    loss: Figures | None = None
    accuracy: Figures | None = None
    learning_rate: Figures | None = None


class ExpectSettings(Section):
    """What a lesson says of the model: one of three things.

    Attributes:
        median: The median accuracy over seeds is at least this.
        accuracy: At least `share` of the seeds have an accuracy in this interval.
        share: See `accuracy`.
        learning_rate: A sweep suggests one in this interval.
    """

    median: Annotated[float, BeforeValidator(_share)] | None = None
    accuracy: Interval | None = None
    share: Annotated[float, BeforeValidator(_share)] | None = None
    learning_rate: RateInterval | None = None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        given = self.model_dump(exclude_none=True)
        if set(given) not in ({"median"}, {"accuracy", "share"}, {"learning_rate"}):
            allowed = "{median = 0.9}, {accuracy = [0.0, 0.65], share = 0.95}, or of a sweep "
            raise impossible(given, f"{allowed}{{learning_rate = [0.003, 0.03]}}")
        return self

    @property
    def expectation(self) -> Expectation:
        """The same, as it is judged."""
        return Expectation(self.median, self.accuracy, self.share)
