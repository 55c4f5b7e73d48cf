"""A user's hypermodel that is refused before its module is imported."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from trialstack.errors import ExperimentError
from trialstack.hypermodels.refusals import require_hypermodel

SOURCE = """
import keras_tuner

raise RuntimeError("imported")

class Own(keras_tuner.HyperModel):
    def __init__(self, n_features, width=3): ...

class Needs(keras_tuner.HyperModel):
    def __init__(self, depth): ...

class Plain: ...
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "unimported.py").write_text(SOURCE)
    (tmp_path / "unparsed.py").write_text("def (")
    (tmp_path / "only_a_folder").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("nowhere:Own", {}, "no module 'nowhere'"),
        ("unparsed:Own", {}, "importing 'unparsed' raised SyntaxError: "),
        (
            "unimported:Onw",
            {},
            "module 'unimported' has no 'Onw'; its hypermodels are: Own, Needs",
        ),
        ("unimported:Plain", {}, "'Plain' is not a class derived from keras_tuner.HyperModel"),
        ("unimported:keras_tuner", {}, "'keras_tuner' is not a class derived from"),
        ("unimported:Own", {"widht": 3}, "takes no 'widht'; it takes: n_features, width"),
        ("unimported:Needs", {}, "needs 'depth'; add it to [hypermodel.params]"),
    ],
)
def test_refused_in_one_line(folder: Path, name: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(ExperimentError) as refused:
        require_hypermodel(name, params, folder, lambda key: "command line")
    line = str(refused.value)
    assert line.startswith("command line: key 'hypermodel.")
    assert said in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("unimported:Own", {"width": 4}),
        ("unimported:Needs", {"depth": 4}),
        ("only_a_folder:Own", {}),  # its import says what it has
    ],
)
def test_not_refused_and_not_imported(folder: Path, name: str, params: dict[str, Any]) -> None:
    require_hypermodel(name, params, folder, str)
    assert name.partition(":")[0] not in sys.modules
