"""Figures that show themselves in a notebook."""

from __future__ import annotations

from matplotlib.figure import Figure

from trialstack.plots.style import figure_png


class InlineFigure(Figure):
    """A figure that Jupyter shows below the cell which ends with it.

    Jupyter learns how to show a plain `Figure` only once `matplotlib.pyplot` is imported, and
    ours are made without it.
    """

    def _repr_png_(self) -> bytes:
        return figure_png(self)
