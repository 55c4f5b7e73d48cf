"""How a trial and its hyperparameters are written for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

WIDTH = re.compile(r"units_\d+")

SHORT_NAMES = {
    "learning_rate": "lr",
    "batch_normalization": "batch norm",
    "activation": "",
    "optimizer": "",
    "encoding": "",
    "class_weight": "class weight",
}
"""Names of hyperparameters in a run's name; the empty ones are told by their values alone."""


def format_value(value: object, digits: int = 4) -> str:
    """A hyperparameter's value; floats to some significant digits and as short as they can be.

    >>> [format_value(value) for value in (0.0, 1e-15, 0.0031623, 31, True, "relu")]
    ['0', '1e-15', '0.003162', '31', 'true', 'relu']
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, float):
        return str(value)
    mantissa, e, exponent = f"{value:.{digits}g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def run_name(number: int, hyperparameters: Mapping[str, Any]) -> str:
    """The name of a trial's run.

    Args:
        number: Of the trial.
        hyperparameters: As a person reads them, in the order to be shown in.

    >>> run_name(17, {"units_1": 62, "units_2": 31, "l1": 1e-5, "l2": 0.0})
    'trial 017 · 62-31 · l1 1e-5 · l2 0'
    """
    widths = [str(value) for name, value in hyperparameters.items() if WIDTH.fullmatch(name)]
    parts = [f"trial {number:03d}", *(["-".join(widths)] if widths else [])]
    for name, value in hyperparameters.items():
        # The widths tell the number of layers.
        if not WIDTH.fullmatch(name) and not (name == "layers" and widths):
            parts.append(f"{SHORT_NAMES.get(name, name)} {format_value(value, digits=3)}".strip())
    return " · ".join(parts)
