"""A hypermodel class of the user's own: found, given what it names, or refused in one line."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trialstack.errors import ExperimentError
from trialstack.hypermodels.custom import load_hypermodel

OFFERED = {"n_features": 4, "n_classes": 3, "mean": [0.0] * 4, "variance": [1.0] * 4}

SOURCE = """
import keras_tuner

class Own(keras_tuner.HyperModel):
    def __init__(self, n_features, width=3):
        super().__init__()
        self.n_features, self.width = n_features, width

class Needs(keras_tuner.HyperModel):
    def __init__(self, depth, **rest):
        super().__init__()
        self.depth, self.rest = depth, rest

class Raises(keras_tuner.HyperModel):
    def __init__(self):
        raise RuntimeError("two\\nlines")

class Plain:
    pass
"""

numbers = itertools.count()

Load = Callable[..., Any]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads from a module of a fresh name that lies in the experiment's folder."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    module = f"own_models_{next(numbers)}"
    (tmp_path / f"{module}.py").write_text(SOURCE)

    def load(name: str, **params: Any) -> Any:
        return load_hypermodel(
            name.replace("MODULE", module),
            offered=OFFERED,
            params=params,
            folder=tmp_path,
            place_of=lambda key: "e.toml",
        )

    return load


def test_gets_what_its_signature_names(load: Load) -> None:
    own = load("MODULE:Own", width=7)
    assert (own.n_features, own.width) == (4, 7)
    assert load("MODULE:Own").width == 3
    needs = load("MODULE:Needs", depth=2, anything=1)
    assert (needs.depth, needs.rest) == (2, {"anything": 1})


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("nowhere.models:Own", {}, "'hypermodel.type': 'nowhere.models:Own': no module"),
        ("MODULE.inner:Own", {}, "no module"),
        ("MODULE:Onw", {}, "has no 'Onw'; its hypermodels are: Own, Needs, Raises"),
        ("MODULE:Plain", {}, "'Plain' is not a class derived from keras_tuner.HyperModel"),
        ("MODULE:SOURCE", {}, "has no 'SOURCE'"),
        ("MODULE:Own", {"widht": 3}, "takes no 'widht'; it takes: n_features, width"),
        ("MODULE:Needs", {}, "needs 'depth'; add it to [hypermodel.params]"),
        ("MODULE:Raises", {}, "raised RuntimeError: two lines"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(
    load: Load, name: str, params: dict[str, Any], said: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        load(name, **params)
    line = str(caught.value)
    assert line.startswith("e.toml: key 'hypermodel.")
    assert said in line
    assert "\n" not in line


def test_a_module_that_breaks_is_told_apart_from_a_missing_one(load: Load, tmp_path: Path) -> None:
    (tmp_path / "own_broken.py").write_text("import not_there_at_all")
    with pytest.raises(ExperimentError, match="importing 'own_broken' raised ModuleNotFoundError"):
        load("own_broken:Own")
    (tmp_path / "own_syntax.py").write_text("def (")
    with pytest.raises(ExperimentError, match="importing 'own_syntax' raised SyntaxError"):
        load("own_syntax:Own")
