"""What trials and hyperparameters are called where a person reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trialstack.hypermodels.naming import format_value, run_name

LONGEST_NAME = 80
"""Characters of a run's name; beyond them MLflow's tables cut it anyway."""


class TrialNames:
    """Names trials and shows hyperparameters.

    Args:
        readable: Turns active hyperparameters into what people want to read: a layer's width
            instead of the fraction that it was drawn as.
    """

    def __init__(self, readable: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict) -> None:
        self.readable = readable

    @classmethod
    def of(cls, hypermodel: Any) -> TrialNames:
        """A hypermodel may have a method `readable`; else values are shown as they are."""
        return cls(getattr(hypermodel, "readable", dict))

    def params(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Hyperparameters as params of a run; floats to four significant digits."""
        return {name: format_value(value) for name, value in self.readable(values).items()}

    def run_name(self, number: int, values: Mapping[str, Any]) -> str:
        """Name of a trial's run.

        Example:
            >>> TrialNames().run_name(7, {"units": 32, "rate": 0.001})
            'trial 007 · units 32 · rate 0.001'
        """
        name = run_name(number, self.readable(values))
        return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def run_key(trial_id: str, attempt: int) -> str:
    """The key of the run of one attempt.

    Example:
        >>> run_key("007", 0), run_key("007", 1)
        ('trial/007', 'trial/007/retry-1')
    """
    return f"trial/{trial_id}" + (f"/retry-{attempt}" if attempt else "")
