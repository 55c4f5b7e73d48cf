"""A model's summary as text, in a terminal of any width and in a notebook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from trialstack.hypermodels.summary import model_summary

CELL = """
import keras
from rich.console import Console
from trialstack.hypermodels.summary import model_summary

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
text = model_summary(model)
print("in a notebook:", Console().is_jupyter, "Total params: 16" in text)
"""


@pytest.fixture(scope="module")
def model() -> Any:
    import keras

    hidden = keras.layers.Dense(40, name="a_hidden_layer_with_a_long_name")
    return keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(1)], name="small")


def test_its_lines_are_whole_in_a_narrow_terminal(
    model: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = model_summary(model).splitlines()
    assert lines[0] == 'Model: "small"'
    assert max(map(len, lines)) == 100
    assert any("a_hidden_layer_with_a_long_name" in line for line in lines)
    assert any("Total params: 201" in line for line in lines)
    assert os.environ["COLUMNS"] == "40"
    assert capsys.readouterr().out == ""


@pytest.mark.slow
@pytest.mark.filterwarnings("default:Kernel is running over TCP")
def test_a_notebook_shows_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    NotebookClient(document, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    shown = [each for each in document.cells[0].outputs if each.get("name") != "stderr"]
    assert [each.get("text") for each in shown] == ["in a notebook: True True\n"]
