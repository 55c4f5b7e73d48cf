"""The animated file, read back frame by frame."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageColor

from trialstack.errors import DataError
from trialstack.plots.animation import HELD, LEFT, TOP, Frame, _Page, animate_boundary, shown_frames
from trialstack.plots.painter import BoundaryPainter
from trialstack.plots.plane import plane_of
from trialstack.plots.style import PALETTE

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def animation(
    n_frames: int, n_classes: int = 2, size: int = 128
) -> tuple[BoundaryPainter, list[Frame], Image.Image]:
    plane = plane_of(X, resolution=9)
    painter = BoundaryPainter(plane, X, np.arange(4) % n_classes, n_classes, size)
    outputs = np.tile(plane.points[:, :1], (1, 1 if n_classes == 2 else n_classes))
    frames = [Frame(2 * k, outputs * np.float32(k / n_frames)) for k in range(n_frames)]
    names = [f"class {k}" for k in range(n_classes)]
    content = animate_boundary(painter, frames, names, "a title")
    return painter, frames, Image.open(BytesIO(content))


def pixels(image: Image.Image, frame: int) -> np.ndarray:
    image.seek(frame)
    return np.asarray(image.convert("RGB")).astype(int)


def test_a_frame_a_moment_that_plays_for_ever() -> None:
    _, frames, image = animation(5)
    assert image.format == "GIF"
    assert image.n_frames == len(frames)
    assert image.info["loop"] == 0


def test_models_that_do_not_change_have_a_frame_each() -> None:
    plane = plane_of(X, resolution=9)
    painter = BoundaryPainter(plane, X, [0, 1, 0, 1], 2, size=128)
    same = np.full((81, 1), 0.7, np.float32)
    content = animate_boundary(painter, [Frame(k, same) for k in range(6)], ["no", "yes"])
    assert Image.open(BytesIO(content)).n_frames == 6


def test_the_last_frame_is_held() -> None:
    _, _, image = animation(4)
    durations = []
    for k in range(4):
        image.seek(k)
        durations.append(image.info["duration"])
    assert durations[-1] == HELD
    assert len(set(durations[:-1])) == 1
    assert durations[0] < HELD


@pytest.mark.parametrize("n_classes", [2, 10])
def test_each_frame_has_the_painters_picture_in_its_colours(n_classes: int) -> None:
    painter, frames, image = animation(3, n_classes)
    for k, frame in enumerate(frames):
        shown = pixels(image, k)[TOP : TOP + 128, LEFT : LEFT + 128]
        expected = painter.palette.rgb[painter.picture(frame.outputs)].astype(int)
        np.testing.assert_array_equal(shown, expected)


def test_the_legend_has_the_colours_of_the_classes() -> None:
    *_, image = animation(2, n_classes=10, size=300)
    beside = pixels(image, 0)[:, LEFT + 300 :].reshape(-1, 3)
    for name in PALETTE:
        assert (beside == np.array(ImageColor.getrgb(name))).all(axis=1).sum() > 10, name


def test_more_classes_than_a_legend_has_room_for() -> None:
    page = _Page(animation(1, n_classes=3)[0], [], "")
    entries = [entry.get_label() for entry in page._handles(range(40))]
    assert entries == ["0", "1", "2", "3", "and 36 more"]


def test_the_bar_grows() -> None:
    *_, image = animation(5)
    bar = [(pixels(image, k)[TOP - 4, LEFT : LEFT + 128] < 200).all(axis=1).sum() for k in range(5)]
    assert bar == [0, 32, 64, 96, 128]


def test_of_many_frames_some_are_shown() -> None:
    frames = [Frame(epoch, np.zeros(1, np.float32)) for epoch in range(1001)]
    shown = [frame.epoch for frame in shown_frames(frames)]
    assert len(shown) <= 61
    assert (shown[0], shown[-1]) == (0, 1000)
    assert shown_frames(frames[:60]) == frames[:60]
    assert shown_frames(frames[:1]) == frames[:1]


def test_nothing_cannot_be_animated() -> None:
    painter, *_ = animation(1)
    with pytest.raises(DataError, match="it has no frame"):
        animate_boundary(painter, [], ["no", "yes"])
