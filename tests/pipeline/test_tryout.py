"""Hypermodels of the user's own that are refused before a search."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trialstack.errors import ExperimentError
from trialstack.experiment import Experiment
from trialstack.pipeline.data import Data
from trialstack.pipeline.tryout import checked_hypermodel

OWN = """
import keras
import keras_tuner


class Own(keras_tuner.HyperModel):
    def build(self, hp):
        if "{layers}" == "none":
            raise ValueError("not with these")
        model = keras.Sequential([keras.Input((2,)), {layers}])
        model.compile("adam", "{loss}", metrics=["accuracy"])
        return model
"""

ONE = "binary_crossentropy"
CLASSES = "sparse_categorical_crossentropy"

NUMBERS = itertools.count()


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Tries out a hypermodel whose models have the given layers."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def check(layers: str, loss: str, *option: str) -> Any:
        module = f"tried_out_{next(NUMBERS)}"  # Python imports one of a name only once
        (tmp_path / f"{module}.py").write_text(OWN.format(layers=layers, loss=loss))
        document = {
            "name": "own",
            "dataset": {"source": "moons"},
            "hypermodel": {"type": f"{module}:Own"},
            "search": {"objective": "val_accuracy"},
        }
        options = {option[0]: option[1].format(module)} if option else {}
        experiment = Experiment.from_dict(document, "own.toml", tmp_path).with_settings(options)
        return checked_hypermodel(experiment, Data.of(experiment))

    return check


@pytest.mark.parametrize(
    ("layers", "loss", "said"),
    [
        ("keras.layers.Dense(1)", ONE, "whose output is no probability: ["),
        ("keras.layers.Dense(1, 'tanh')", ONE, "whose output is no probability: ["),
        ("keras.layers.Dense(2)", CLASSES, "whose output is no probability: ["),
        ("keras.layers.Dense(2, 'sigmoid')", CLASSES, "whose output is no probability: [0."),
        # By chance between 0 and 1 before training, for every row.
        (
            "keras.layers.Dense(3, 'sigmoid'), keras.layers.Dense(1, kernel_initializer="
            "keras.initializers.Constant(0.2))",
            ONE,
            "whose last layer has no activation",
        ),
    ],
)
def test_models_that_give_no_probabilities(
    check: Callable[..., Any], layers: str, loss: str, said: str
) -> None:
    with pytest.raises(ExperimentError) as refused:
        check(layers, loss)
    error = str(refused.value)
    assert error.startswith("own.toml: key 'hypermodel.type': 'Own' makes models ")
    assert said in error
    assert error.endswith(
        "end them with a sigmoid or softmax, and leave from_logits out of the loss"
    )
    assert "\n" not in error


@pytest.mark.parametrize(
    ("layers", "loss"),
    [
        ("keras.layers.Dense(1, 'sigmoid')", ONE),
        ("keras.layers.Dense(2, 'softmax')", CLASSES),
        ("keras.layers.Dense(2), keras.layers.Softmax()", CLASSES),
        ("keras.layers.Dense(2, 'softmax'), keras.layers.Activation('linear')", CLASSES),
        ("none", ONE),  # which other hyperparameters may mend
    ],
)
def test_others_are_taken(check: Callable[..., Any], layers: str, loss: str) -> None:
    assert type(check(layers, loss)).__name__ == "Own"


@pytest.mark.parametrize(
    ("option", "layer"),
    [
        (("hypermodel.type", "{}:Own"), "Dense(1)"),
        (("hypermodel.type", "{}:Nobody"), "Dense(1)"),
        (("search.objective", "val_precision"), "Dense(1, 'sigmoid')"),
    ],
)
def test_the_line_names_the_option_that_it_came_from(
    check: Callable[..., Any], option: tuple[str, str], layer: str
) -> None:
    with pytest.raises(ExperimentError, match=f"^command line: key '{option[0]}': "):
        check(f"keras.layers.{layer}", ONE, *option)
