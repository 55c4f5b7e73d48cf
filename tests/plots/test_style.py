"""Colours that everybody can tell apart, and figures that show themselves."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageColor

from trialstack import plots
from trialstack.plots.style import MARKERS, PALETTE, new_figure

# Machado, G. M., Oliveira, M. M. and Fernandes, L. A. F. (2009). A physiologically-based model for
# simulation of color vision deficiency. IEEE TVCG 15(6); severity 1.
VISIONS = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def cielab(linear: np.ndarray) -> np.ndarray:
    """CIELAB coordinates of linear sRGB under D65, shape `(colours, 3)`."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    ratio = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_stay_apart(vision: str) -> None:
    encoded = np.array([ImageColor.getrgb(name) for name in PALETTE]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = cielab((linear @ VISIONS[vision].T).clip(0, 1))
    nearest = min(np.linalg.norm(a - b) for a, b in combinations(seen, 2))
    assert nearest > 15


def test_as_many_shapes_as_colours() -> None:
    assert len(set(MARKERS)) == len(PALETTE)


def test_a_figure_shows_itself_in_a_notebook() -> None:
    """By the method that Jupyter asks for; a plain `Figure` has none without pyplot."""
    png = new_figure(6.0, 5.0)._repr_png_()  # type: ignore[attr-defined]
    assert Image.open(BytesIO(png)).size == (720, 600)


def test_importing_plots_imports_nothing_heavy() -> None:
    heavy = {"keras", "matplotlib", "mlflow", "pandas", "scipy", "sklearn", "tensorflow"}
    program = (
        "import sys, trialstack\n"
        "assert 'trialstack.plots' not in sys.modules\n"
        "trialstack.plots.decision_boundary\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout == "[]\n"


def test_public_plots() -> None:
    assert plots.__all__ == [
        "calibration",
        "class_counts",
        "confusion_matrix",
        "data_scatter",
        "decision_boundary",
        "learning_curves",
        "precision_recall",
        "roc",
    ]
