"""Pictures for image grids, read back pixel by pixel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageColor

from trialstack.errors import DataError
from trialstack.plots.painter import TILE_RESOLUTION, BoundaryPainter
from trialstack.plots.palette import RegionPalette
from trialstack.plots.plane import Plane, plane_of
from trialstack.plots.rows import MAX_POINTS, drawn_rows
from trialstack.plots.style import PALETTE

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
LEFT_RIGHT = np.array([0, 1, 0, 1])


@pytest.fixture
def plane() -> Plane:
    return plane_of(CORNERS, resolution=50, margin=0.25)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def distance(pixel: np.ndarray, name: str) -> float:
    return float(np.abs(pixel - np.array(ImageColor.getrgb(name)[:3])).max())


def test_the_picture_is_square_bare_and_one_byte_a_pixel(plane: Plane) -> None:
    png = BoundaryPainter(plane, CORNERS, LEFT_RIGHT, 2).paint(plane.points[:, :1])
    image = Image.open(BytesIO(png))
    assert (image.format, image.mode, image.size) == ("PNG", "P", (512, 512))


def test_dots_stand_at_their_rows_in_the_colour_of_their_true_class(plane: Plane) -> None:
    picture = pixels(BoundaryPainter(plane, CORNERS, LEFT_RIGHT, 2, size=300).paint(np.zeros(2500)))
    # The axes run from -0.25 to 1.25, so a corner lies a sixth of 300 pixels from the border.
    for column, row, label in ((50, 250, 0), (250, 250, 1), (50, 50, 0), (250, 50, 1)):
        assert distance(picture[row, column], PALETTE[label]) == 0


def test_dots_have_a_white_rim(plane: Plane) -> None:
    row = [[0.5, 0.5]]
    picture = pixels(BoundaryPainter(plane, row, [1], 2).paint(np.zeros(2500)))
    beside = picture[256, 256 : 256 + 10]
    assert distance(beside[0], PALETTE[1]) == 0
    assert distance(beside[4], "#ffffff") == 0
    assert distance(beside[9], "#ffffff") > 60


def test_regions_deepen_with_certainty_and_part_at_a_dark_line(plane: Plane) -> None:
    painter = BoundaryPainter(plane, [[0.0, 1.2]], [0], 2, size=300)
    steep = np.clip(2 * plane.points[:, 0] - 0.5, 0, 1)
    middle = pixels(painter.paint(steep))[150]
    blue, vermilion = PALETTE[:2]
    assert distance(middle[5], blue) < distance(middle[140], blue)
    assert distance(middle[295], vermilion) < distance(middle[160], vermilion)
    assert (middle[149:151] < 60).all()
    assert (middle[140] > 150).any()


def test_a_model_without_a_boundary_has_no_line(plane: Plane) -> None:
    painter = BoundaryPainter(plane, [[0.0, 0.0]], [0], 2)
    assert pixels(painter.paint(np.full(2500, 0.5))).min(axis=2).min() >= 0
    assert not (pixels(painter.paint(np.full(2500, 0.5))) < 60).all(axis=2).any()


def test_ten_classes_have_ten_colours() -> None:
    palette = RegionPalette(10)
    discs = {tuple(palette.rgb[palette.dot(k, np.ones(1))[0]]) for k in range(10)}
    assert len(discs) == 10
    assert palette.shades > 10


@pytest.mark.parametrize("n_classes", [2, 3, 8, 10, 40])
def test_any_number_of_classes_fits_the_palette(plane: Plane, n_classes: int) -> None:
    assert len(RegionPalette(n_classes).rgb) <= 256
    x = plane.points[:, :1]
    outputs = np.exp(-np.abs(x * n_classes - np.arange(n_classes)))
    painter = BoundaryPainter(plane, CORNERS, LEFT_RIGHT, n_classes, size=64)
    assert pixels(painter.paint(outputs)).shape == (64, 64, 3)


def test_rows_at_and_beyond_the_border(plane: Plane) -> None:
    rows = np.array([[-0.25, -0.25], [1.25, 1.25], [50.0, 0.0], [np.nan, 0.0]])
    coordinates, labels = drawn_rows(plane, rows, [0, 1, 0, 1], 2)
    assert sorted(coordinates[:, 0]) == [-0.25, 1.25]
    assert sorted(labels) == [0, 1]
    painter = BoundaryPainter(plane, rows, [0, 1, 0, 1], 2)
    corner = pixels(painter.paint(np.zeros(2500)))[511, 0]
    assert distance(corner, PALETTE[0]) == 0


def test_many_rows_are_thinned_in_the_same_way_each_time() -> None:
    rows = np.random.default_rng(0).normal(size=(3000, 2))
    labels = np.arange(3000) % 2
    plane = plane_of(rows)
    first, chosen = drawn_rows(plane, rows, labels, 2)
    second, _ = drawn_rows(plane, rows, labels[:, None], 2)
    assert len(first) == MAX_POINTS
    np.testing.assert_array_equal(first, second)
    position = {tuple(row): i for i, row in enumerate(rows)}
    assert [labels[position[tuple(row)]] for row in first] == chosen.tolist()


def test_pictures_do_not_depend_on_what_was_painted_before(plane: Plane) -> None:
    painter = BoundaryPainter(plane, CORNERS, LEFT_RIGHT, 2)
    outputs = plane.points[:, :1]
    before = painter.paint(outputs)
    painter.paint(1 - outputs)
    assert painter.paint(outputs) == before


def test_a_coarse_grid_draws_the_same_line(plane: Plane) -> None:
    """A steep model, whose probability jumps from 0 to 1 between two grid points."""

    def painted(resolution: int) -> np.ndarray:
        part = plane.at_resolution(resolution)
        x, y = part.points.astype(float).T
        outputs = 1 / (1 + np.exp(-100 * (x + 0.4 * y - 0.7)))
        return pixels(BoundaryPainter(part, CORNERS, LEFT_RIGHT, 2).paint(outputs))

    coarse, fine = painted(TILE_RESOLUTION), painted(512)
    assert (np.abs(coarse - fine).max(axis=2) > 20).mean() < 0.001
    ink = (fine < 60).all(axis=2)
    assert ink.sum() > 500
    assert (coarse[ink] < 60).all(axis=1).mean() > 0.9


def test_threads_may_share_a_painter(plane: Plane) -> None:
    painter = BoundaryPainter(plane, CORNERS, LEFT_RIGHT, 2)
    outputs = [plane.points[:, :1] * share for share in np.linspace(0.2, 2.0, 12)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(painter.paint, outputs)) == [*map(painter.paint, outputs)]


@pytest.mark.parametrize(
    ("shape", "n_classes", "can"),
    [
        ((2500,), 2, True),
        ((2500, 1), 2, True),
        ((2500, 2), 2, True),
        ((2500, 3), 3, True),
        ((2500, 1), 3, False),
        ((2500, 3), 2, False),
        ((2499, 1), 2, False),
        ((2500, 1, 1), 2, False),
        ((), 2, False),
        ((2500, 256), 256, False),
    ],
)
def test_whether_outputs_can_be_painted(
    plane: Plane, shape: tuple[int, ...], n_classes: int, can: bool
) -> None:
    painter = BoundaryPainter(plane, CORNERS, LEFT_RIGHT, n_classes, size=32)
    outputs = np.zeros(shape, np.float32)
    assert painter.can_paint(outputs) is can
    if can:
        assert painter.paint(outputs)[1:4] == b"PNG"
    else:
        with pytest.raises(DataError):
            painter.paint(outputs)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2, 1], "label 2 is no class index; expected whole numbers from 0 to 1"),
        ([0, 1, 0.5, 1], "label 0.5 is no class index"),
        ([0, 1], r"labels of shape \(2,\) for 4 rows"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    plane: Plane, labels: list[float], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        BoundaryPainter(plane, CORNERS, labels, 2)
