"""What trials and hyperparameters are called where a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class TrialNames(Protocol):
    """A hypermodel may be this by itself, when what it samples is not what people want to read."""

    def readable(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Active hyperparameters as a person reads them."""

    def run_name(self, number: int, values: Mapping[str, Any]) -> str:
        """Name of a trial's run, short enough for a table."""


class PlainNames:
    """Hyperparameters as Keras Tuner has them."""

    def readable(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values themselves."""
        return dict(values)

    def run_name(self, number: int, values: Mapping[str, Any]) -> str:
        """The number, then as many values as fit.

        Example:
            >>> PlainNames().run_name(7, {"units": 32, "lr": 0.001})
            'trial 007 · units 32 · lr 0.001'
        """
        name = f"trial {number:03d}"
        for key, value in values.items():
            part = f" · {key} {shown(value)}"
            if len(name) + len(part) > 60:
                break
            name += part
        return name


def names_of(hypermodel: Any) -> TrialNames:
    """The hypermodel's own names, or plain ones."""
    return hypermodel if isinstance(hypermodel, TrialNames) else PlainNames()


def shown(value: Any) -> str:
    """A hyperparameter as text: floats to four significant digits.

    Example:
        >>> shown(0.00012345), shown(1e-15), shown(32), shown(True)
        ('0.0001234', '1e-15', '32', 'True')
    """
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
