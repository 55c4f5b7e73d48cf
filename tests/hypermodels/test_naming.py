"""What people read in place of numbers and dictionaries."""

from __future__ import annotations

import pytest

from trialstack.hypermodels.naming import format_value, run_name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1e-15, "1e-15"),
        (1e-5, "1e-5"),
        (0.001, "0.001"),
        (0.00123456, "0.001235"),
        (123456.0, "1.235e5"),
        (1.0, "1"),
        (-0.5, "-0.5"),
        (64, "64"),
        (False, "false"),
        ("adam", "adam"),
    ],
)
def test_values(value: object, text: str) -> None:
    assert format_value(value) == text


def test_run_names() -> None:
    assert run_name(3, {"units_1": 8}) == "trial 003 · 8"
    assert run_name(1234, {}) == "trial 1234"
    everything = {
        "layers": 2,
        "units_1": 16,
        "units_2": 8,
        "activation": "tanh",
        "batch_normalization": True,
        "dropout": 0.25,
        "optimizer": "sgd",
        "learning_rate": 0.0123456,
    }
    assert run_name(0, everything) == (
        "trial 000 · 16-8 · tanh · batch norm true · dropout 0.25 · sgd · lr 0.0123"
    )
    assert run_name(5, {"filters": 3, "layers": 2}) == "trial 005 · filters 3 · layers 2"
