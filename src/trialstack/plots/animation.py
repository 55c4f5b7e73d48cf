"""The evolution of a decision boundary as one animated file."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from trialstack.datasets.names import shortened
from trialstack.errors import DataError
from trialstack.plots.painter import BoundaryPainter
from trialstack.plots.palette import INK, WHITE
from trialstack.plots.regions import ByteImage
from trialstack.plots.scatter import class_handles
from trialstack.plots.style import plain, style_axes

MOST_FRAMES = 60
PLAYED_IN = 6000
"""Milliseconds from the first frame to the last one, within the limits of a single frame."""
SHORTEST, LONGEST = 60, 300
HELD = 2500
"""Milliseconds of a frame, and of the last one."""

LEFT, RIGHT, TOP, BOTTOM = 70, 132, 60, 50
"""Pixels around the picture: for names of axes, legend, title and epoch."""
LINE = 20
"""Height of the line of text above the picture, in pixels."""
BAR = 4
"""Height of the bar that shows how much of the training is over, in pixels."""
DPI = 100
MOST_GREYS = 16


class Frame(NamedTuple):
    """A model at one moment of its training.

    Attributes:
        epoch: How many epochs it was trained.
        outputs: Its output at the points of the plane, shape `(points, 1)` or `(points, classes)`.
    """

    epoch: int
    outputs: NDArray[np.float32]


def animate_boundary(
    painter: BoundaryPainter, frames: Sequence[Frame], classes: Sequence[object], title: str = ""
) -> bytes:
    """The evolution of a decision boundary as the bytes of an animated GIF.

    It plays for about six seconds, stays at the last frame, and begins again.

    Args:
        painter: Draws the frames.
        frames: In their order, at least one; of many, some are left out.
        classes: Name of each class.
        title: Above the picture.

    Raises:
        DataError: There is no frame, or outputs and painter do not fit together.

    Reference:
        CompuServe (1990). Graphics Interchange Format, version 89a.
    """
    if not frames:
        raise DataError("animation: it has no frame; give at least one")
    shown = shown_frames(frames)
    page = _Page(painter, classes, title)
    last = shown[-1].epoch
    images = [page.image(frame, last, frame is shown[-1]) for frame in shown]
    each = min(max(PLAYED_IN // len(shown), SHORTEST), LONGEST)
    content = BytesIO()
    images[0].save(
        content,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=[each] * (len(images) - 1) + [HELD],
        loop=0,
        optimize=False,
    )
    return content.getvalue()


def shown_frames(frames: Sequence[Frame]) -> list[Frame]:
    """Every frame, or every second, third, ... of more than 60; always the last one.

    Example:
        >>> import numpy as np
        >>> frames = [Frame(epoch, np.zeros(1, np.float32)) for epoch in range(101)]
        >>> [frame.epoch for frame in shown_frames(frames)][-3:]
        [96, 98, 100]
    """
    *others, last = frames
    return [*others[:: -(-len(frames) // MOST_FRAMES)], last]


class _Page:
    """What is the same in all frames, drawn once: title, axes and legend."""

    def __init__(self, painter: BoundaryPainter, classes: Sequence[object], title: str) -> None:
        import matplotlib

        self._painter = painter
        palette = painter.palette
        # Text needs greys, as many as there is room for among the 256 colours.
        n_greys = min(MOST_GREYS, 256 - len(palette.rgb))
        greys = np.linspace(WHITE, INK, n_greys + 2)[1:-1].astype(np.uint8)
        self._greys = np.array(
            [palette.white, *range(len(palette.rgb), len(palette.rgb) + n_greys), palette.ink],
            np.uint8,
        )
        self._colours = np.vstack([palette.rgb, greys]).tobytes()
        fonts = Path(matplotlib.get_data_path(), "fonts", "ttf")
        self._font = ImageFont.truetype(str(fonts / "DejaVuSans.ttf"), LINE - 6)
        self._blank = self._drawn(classes, title)

    def image(self, frame: Frame, last: int, is_last: bool) -> Image.Image:
        """A frame of the animation."""
        page = self._blank.copy()
        size = self._painter.size
        page[TOP : TOP + size, LEFT : LEFT + size] = self._painter.picture(frame.outputs)
        done = LEFT + round(size * (frame.epoch / last if last else 1.0))
        page[TOP - BAR - 2 : TOP - 2, LEFT:done] = self._greys[len(self._greys) // 2]
        text = f"after {frame.epoch} of {last} epochs" if frame.epoch else "before training"
        if is_last:
            text = f"trained: {last} epochs"
        self._write(page, text)
        image = Image.fromarray(page)
        image.putpalette(self._colours)
        return image

    def _write(self, page: ByteImage, text: str) -> None:
        mask = Image.new("L", (self._painter.size, LINE))
        ImageDraw.Draw(mask).text((0, 0), text, fill=255, font=self._font)
        level = np.rint(np.asarray(mask, np.float32) / 255 * (len(self._greys) - 1))
        row = TOP - BAR - 4 - LINE
        page[row : row + LINE, LEFT : LEFT + mask.width] = self._greys[level.astype(int)]

    def _handles(self, classes: Sequence[object]) -> list[Any]:
        """As many entries of the legend as there is room for."""
        handles = class_handles([shortened(str(name), 14) for name in classes], all_round=True)
        room = self._painter.size // LINE - 1  # a line for its heading
        if len(handles) <= room:
            return handles
        handles[room - 1].set(marker="", label=f"and {len(handles) - room + 1} more")
        return handles[:room]

    def _drawn(self, classes: Sequence[object], title: str) -> ByteImage:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        plane, size = self._painter.plane, self._painter.size
        width, height = LEFT + size + RIGHT, TOP + size + BOTTOM
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
        axes = figure.add_axes(
            (LEFT / width, BOTTOM / height, size / width, size / height),
            xlim=plane.xs[[0, -1]],
            ylim=plane.ys[[0, -1]],
        )
        names = [shortened(name, 50) for name in plane.axis_names]
        style_axes(axes, x=names[0], y=names[1], grid=False)
        axes.tick_params(left=bool(names[1]), labelleft=bool(names[1]))
        axes.legend(
            handles=self._handles(classes),
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            frameon=False,
            title="class",
        )
        figure.text(LEFT / width, 1 - 22 / height, plain(shortened(title, 60)), weight="bold")
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
        drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
        palette = Image.new("P", (1, 1))
        palette.putpalette(self._colours)
        return np.array(drawn.quantize(palette=palette, dither=Image.Dither.NONE))
