"""How all plots look: one palette, one way to open a figure, one way to turn it into PNG bytes.

Figures are made without pyplot: drawing happens on background threads, and pyplot's list of
current figures is shared by all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

from trialstack.datasets.names import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
INDIGO = "#332288"
BROWN = "#8B4513"

PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY_BLUE, BLACK, YELLOW, INDIGO, BROWN)
"""Colours of lines and points in the order of use.

They stay apart under the common kinds of colour blindness. The last two, for the ninth and tenth
class, are no nearer to any other than the first eight are to each other: under simulated
protanopia, deuteranopia and tritanopia, too, at least 16 units of CIELAB lie between every two.

Reference: Okabe, M. and Ito, K. (2008). Color universal design. https://jfly.uni-koeln.de/color/
"""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
"""Shapes of points in the order of use, a second sign beside colour."""

GREY = "#767676"
"""Text and lines of second rank (contrast 4.5 to 1 on white)."""

GRID_GREY = "#E4E4E4"

LINE_STYLES = ("-", "--", ":", "-.")
"""A second sign beside colour, for prints in black and white."""

SEQUENTIAL_MAP = "Blues"
"""Colour map of counts and shares."""

DIVERGING_MAP = "RdBu_r"
"""Colour map of values around a middle, such as a probability around one half."""

LEGEND_STYLE: dict[str, Any] = {
    "fontsize": 9.5,
    "title_fontsize": 9.5,
    "alignment": "left",
    "frameon": False,
}

LegendEntry: TypeAlias = "tuple[Line2D, str]"
"""A line and its text, empty if it has no entry of its own."""


def colour(index: int) -> str:
    """Colour of the line with this index; after the last colour it begins again.

    Example:
        >>> colour(0) == colour(len(PALETTE)) == BLUE
        True
    """
    return PALETTE[index % len(PALETTE)]


def new_figure(width: float = 6.0, height: float = 5.0) -> Figure:
    """An empty figure that makes room for its own labels.

    Args:
        width: In inches.
        height: In inches.

    Returns:
        A figure without axes; `figure.subplots()` adds them. Jupyter shows it as it is.
    """
    from trialstack.plots.inline import InlineFigure

    return InlineFigure(figsize=(width, height), layout="constrained", facecolor="white")


def style_axes(
    axes: Axes, *, title: str = "", subtitle: str = "", x: str = "", y: str = "", grid: bool = True
) -> None:
    """Gives axes the common look: labels, a light grid behind the data, no box.

    Args:
        axes: To be changed.
        title: Above the axes, on the left.
        subtitle: In grey below the title.
        x: Label of the horizontal axis.
        y: Label of the vertical axis.
        grid: Whether there are grid lines.
    """
    pad = 22 if subtitle else 8
    axes.set_title(plain(title), loc="left", fontsize=12, fontweight="bold", pad=pad)
    if subtitle:
        axes.annotate(
            plain(shortened(subtitle, 70)),
            xy=(0, 1),
            xycoords="axes fraction",
            xytext=(0, 8),
            textcoords="offset points",
            color=GREY,
            fontsize=9.5,
        ).set_in_layout(False)  # a long one must not narrow the plot
    axes.set_xlabel(plain(x), fontsize=10.5)
    axes.set_ylabel(plain(y), fontsize=10.5)
    axes.tick_params(labelsize=9.5, color=GREY)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(visible=True, color=GRID_GREY, linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(GREY)


def legend_below(figure: Figure, entries: Sequence[LegendEntry], columns: int) -> None:
    """Puts a legend below everything else; the figure grows by what it needs.

    Args:
        figure: To be changed.
        entries: At least one with a text.
        columns: How many entries stand side by side.
    """
    lines, labels = shown_entries(entries)
    width, height = figure.get_size_inches()
    column = 0.6 + 0.075 * max(map(len, labels))  # inches: the sample line, and a letter's width
    figure.set_size_inches(max(width, columns * column), height + 0.22 * -(-len(lines) // columns))
    figure.legend(lines, labels, loc="outside lower center", ncols=columns, **LEGEND_STYLE)


def shown_entries(entries: Sequence[LegendEntry]) -> tuple[list[Line2D], list[str]]:
    """Lines and texts as `legend` takes them, without the empty ones.

    Given so, and not as the lines' own labels, a text may begin with an underscore.
    """
    shown = [(line, plain(label)) for line, label in entries if label]
    return [line for line, _ in shown], [label for _, label in shown]


def plain(text: str) -> str:
    r"""Text that is drawn as it stands: a class called `$5` begins no formula.

    Example:
        >>> print(plain("$5 to $10"))
        \$5 to \$10
    """
    return text.replace("$", r"\$")


def figure_png(figure: Figure, dpi: int = 120) -> bytes:
    """Draws a figure into the bytes of a PNG file.

    Args:
        figure: To be drawn.
        dpi: Pixels per inch; a 6 x 5 inch figure becomes 720 x 600 pixels.

    Example:
        >>> figure_png(new_figure())[1:4]
        b'PNG'
    """
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()
