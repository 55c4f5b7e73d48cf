"""The notebooks of `examples/`: what is stored in them, and that they run from top to bottom."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
LARGEST = 1024 * 1024
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|work|usr|Users|var)/")

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def problems_of(cells: list[dict[str, Any]]) -> list[str]:
    """What a reader should not find among the outputs: errors, log lines, empty boxes."""
    return [
        str(output)[:500]
        for cell in cells
        for output in cell["outputs"]
        if output["output_type"] == "error" or output.get("name") == "stderr" or is_empty(output)
    ]


def is_empty(output: dict[str, Any]) -> bool:
    """What rich displays of a text that was taken from it: an HTML element without content."""
    return output["output_type"] == "display_data" and not "".join(
        output["data"].get("text/plain", "a widget")
    )


def as_text(output: dict[str, Any]) -> str:
    """An output without its pictures."""
    data = output.get("data", {})
    texts = [output.get("text", ""), *(data[kind] for kind in data if kind.startswith("text/"))]
    return "\n".join("".join(text) for text in texts)


def execute_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("execute", EXAMPLES / "execute.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS] == ["circles.ipynb", "compare.ipynb"]


@each_notebook
def test_stored_outputs(path: Path) -> None:
    assert path.stat().st_size < LARGEST
    cells = cells_of(json.loads(path.read_text("utf-8")))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert problems_of(cells) == []
    shown = [output for cell in cells for output in cell["outputs"]]
    assert len(shown) >= len(cells) // 2
    assert [as_text(o) for o in shown if MACHINE_PATH.search(as_text(o))] == []
    assert "WARNING" not in "\n".join(map(as_text, shown))


def test_the_ladder_is_shown_in_pictures() -> None:
    cells = cells_of(json.loads((EXAMPLES / "circles.ipynb").read_text("utf-8")))
    pictures = [o for cell in cells for o in cell["outputs"] if "image/png" in o.get("data", {})]
    assert len(pictures) >= 10


@pytest.mark.slow
@each_notebook
@pytest.mark.filterwarnings("default:Kernel is running over TCP")
def test_runs_from_top_to_bottom(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    module = execute_module()
    document = module.execute(path, tmp_path)
    module.compact(document)
    cells = cells_of(document)
    assert problems_of(cells) == []
    assert [len(cell["outputs"]) > 0 for cell in cells] == [
        len(cell["outputs"]) > 0 for cell in cells_of(json.loads(path.read_text("utf-8")))
    ]
