"""Runs the notebooks of this folder from top to bottom and stores what they show.

    python examples/execute.py                # all of them
    python examples/execute.py circles.ipynb

Each runs in a temporary folder, beside a copy of `experiments/`, so that nothing of an earlier run
is there. Pictures are made smaller before they are stored.
"""

from __future__ import annotations

import base64
import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

HERE = Path(__file__).resolve().parent
TIMEOUT = 600
"""Seconds that a cell may take."""
MOST_PIXELS = 900
"""Width of a stored picture; a page shows it at about half of that."""
COLOURS = 128


def execute(notebook: Path, folder: Path) -> Any:
    """Runs a notebook in a new kernel.

    Args:
        notebook: The file; it is not changed.
        folder: An empty one, in which the copy of `experiments/` and the runs go.

    Returns:
        The notebook with its outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell raised.
    """
    place = folder / "examples"
    place.mkdir()
    shutil.copytree(HERE.parent / "experiments", folder / "experiments")
    document = nbformat.read(notebook, as_version=4)
    client = NotebookClient(document, timeout=TIMEOUT, resources={"metadata": {"path": place}})
    return client.execute()


def compact(document: Any) -> None:
    """Makes pictures smaller, and drops what only this run of the kernel knows."""
    for cell in document.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = _smaller(data["image/png"])
    document.metadata.language_info = {"name": "python"}


def _smaller(encoded: str) -> str:
    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
    picture.thumbnail((MOST_PIXELS, MOST_PIXELS), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def main(names: list[str]) -> None:
    """Runs and stores the notebooks of these names, or all."""
    for notebook in [HERE / name for name in names] or sorted(HERE.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            document = execute(notebook, Path(folder))
        compact(document)
        nbformat.write(document, notebook)
        print(f"{notebook.name}: {notebook.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
