"""Learning curves: every metric against the epoch, training beside validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trialstack.errors import DataError
from trialstack.plots.style import BLUE, GREY, VERMILION, new_figure, plain, style_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VALIDATION = "val_"
MAX_COLUMNS = 3
MARKED_EPOCHS = 15
"""Up to so many epochs each one is marked: a curve of one epoch would be invisible."""

LOG_FROM = 100.0
"""Where the largest value is so many times the smallest, the axis is logarithmic."""

COUNTER = "epoch"
"""A column of `keras.callbacks.CSVLogger` that is no metric."""

MetricHistory = Mapping[str, Sequence[float]]
"""Metric name -> one value an epoch."""


class KerasHistory(Protocol):
    """What `keras.Model.fit` returns."""

    history: MetricHistory


History: TypeAlias = "MetricHistory | KerasHistory | pd.DataFrame"


@dataclass(frozen=True, eq=False)
class Curve:
    """One metric over the epochs of a training.

    Attributes:
        metric: Name without `val_`.
        train: Values on training rows, shape `(epochs,)`; NaN where there is none.
        validation: The same on validation rows.
    """

    metric: str
    train: NDArray[np.float64]
    validation: NDArray[np.float64]


def curves_of(history: History) -> list[Curve]:
    """The curves of a training, each metric with its validation twin; `loss` first.

    Args:
        history: Metric -> one value an epoch, the object that `fit` returns, or a DataFrame with
            a row an epoch, as `pandas.read_csv` makes of a `CSVLogger`'s file. None counts as
            NaN, and a list that is shorter than the longest as broken off.

    Raises:
        DataError: There is no epoch, or something other than numbers.

    Example:
        >>> [curve] = curves_of({"loss": [0.7, 0.5], "val_loss": [0.8, 0.6]})
        >>> curve.metric, curve.train.tolist(), curve.validation.tolist()
        ('loss', [0.7, 0.5], [0.8, 0.6])
    """
    values = _values(history)
    epochs = max((len(series) for series in values.values()), default=0)
    if not epochs:
        raise DataError(
            "learning curves: the history holds no epoch; give what model.fit returned after at "
            "least one"
        )
    names = dict.fromkeys(name.removeprefix(VALIDATION) for name in values)
    ordered = sorted(names, key=lambda name: name != "loss")
    return [
        Curve(name, _series(values, name, epochs), _series(values, VALIDATION + name, epochs))
        for name in ordered
    ]


def best_epoch_of(curves: Sequence[Curve]) -> int | None:
    """The epoch of the lowest validation loss, from 0; None without one.

    The loss on training rows says nothing of it: that is lowest at the end.

    Example:
        >>> best_epoch_of(curves_of({"loss": [0.7, 0.5, 0.4], "val_loss": [0.8, 0.6, 0.65]}))
        1
    """
    for curve in curves:
        if curve.metric == "loss" and np.isfinite(curve.validation).any():
            return int(np.nanargmin(curve.validation))
    return None


def learning_curves(history: History, best_epoch: int | None = None, title: str = "") -> Figure:
    """One panel a metric: training against validation, with the best epoch marked.

    Args:
        history: See `curves_of`.
        best_epoch: Index of the epoch whose weights were kept, from 0 as on MLflow's pages; by
            default that of the lowest validation loss, if there is one.
        title: Above all panels.

    Raises:
        DataError: There is no epoch, or something other than numbers.

    Example:
        >>> figure = learning_curves({"loss": [0.7, 0.5, 0.4], "val_loss": [0.8, 0.6, 0.65]})
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['training', 'validation', 'best epoch: 1 (lowest val_loss)']
    """
    curves = curves_of(history)
    reason = ""
    if best_epoch is None:
        best_epoch, reason = best_epoch_of(curves), f" (lowest {VALIDATION}loss)"
    columns = min(len(curves), MAX_COLUMNS)
    rows = -(-len(curves) // columns)
    figure = new_figure(max(4.4 * columns, 6.0), 3.6 * rows + 0.5)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, curve in zip(panels, curves, strict=False):
        _draw_curve(axes, curve, best_epoch, reason)
    for axes in panels[len(curves) :]:
        axes.set_visible(False)
    drawn = [axes.get_legend_handles_labels() for axes in panels]
    handles = {label: handle for pair in drawn for handle, label in zip(*pair, strict=True)}
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False
    )
    if title:
        figure.suptitle(plain(title), fontsize=13, fontweight="bold")
    return figure


def _values(history: History) -> MetricHistory:
    values: Any = getattr(history, "history", history)
    if hasattr(history, "columns"):  # even one that is called "history"
        table: Any = history
        values = {str(name): table[name].to_numpy() for name in table.columns}
    if not isinstance(values, Mapping) or not all(np.ndim(each) == 1 for each in values.values()):
        raise DataError(
            f"learning curves: got a {type(history).__name__}; give what model.fit returned, a "
            "dictionary of lists with one value an epoch, or a DataFrame with one row an epoch"
        )
    return {name: series for name, series in values.items() if name != COUNTER}


def _series(values: MetricHistory, name: str, epochs: int) -> NDArray[np.float64]:
    series = np.full(epochs, np.nan)
    try:
        known = np.array(values.get(name, []), dtype=np.float64)  # NumPy reads None as NaN
    except (TypeError, ValueError) as error:
        raise DataError(
            f"learning curves: metric {name!r} holds something other than numbers; leave it out"
        ) from error
    series[: len(known)] = known
    series[np.isinf(series)] = np.nan  # no axis reaches there
    return series


def _draw_curve(axes: Axes, curve: Curve, best_epoch: int | None, reason: str) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = np.arange(len(curve.train))
    room = max(0.5, 0.03 * len(epochs))
    axes.set_xlim(-room, len(epochs) - 1 + room)
    marker = "o" if len(epochs) <= MARKED_EPOCHS else None
    for name, values, line_colour, dash in (
        ("training", curve.train, BLUE, "--"),
        ("validation", curve.validation, VERMILION, "-"),
    ):
        if np.isfinite(values).any():
            axes.plot(epochs, values, dash, color=line_colour, marker=marker, ms=3.5, label=name)
    if best_epoch is not None and 0 <= best_epoch < len(epochs):
        _mark(axes, curve, best_epoch, f"best epoch: {best_epoch}{reason}")
    _scale(axes, np.concatenate([curve.train, curve.validation]))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    style_axes(axes, title=curve.metric, x="epoch")


def _mark(axes: Axes, curve: Curve, epoch: int, label: str) -> None:
    axes.axvline(epoch, color=GREY, linewidth=1, linestyle=":", label=label)
    validated = bool(np.isfinite(curve.validation).any())
    value = (curve.validation if validated else curve.train)[epoch]
    if np.isfinite(value):
        dot_colour = VERMILION if validated else BLUE
        axes.plot(epoch, value, "o", ms=7, color=dot_colour, mec="white", zorder=3)
        _annotate(axes, epoch, value)


def _annotate(axes: Axes, epoch: int, value: float) -> None:
    """Writes a value beside its dot, on the side where there is room."""
    late = epoch > np.mean(axes.get_xlim())
    axes.annotate(
        f"{value:.4g}",
        (epoch, value),
        xytext=(-7 if late else 7, 7),
        textcoords="offset points",
        ha="right" if late else "left",
        fontsize=9.5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )


def _scale(axes: Axes, values: NDArray[np.float64]) -> None:
    finite = values[np.isfinite(values)]
    if not len(finite):
        axes.text(0.5, 0.5, "no finite value", transform=axes.transAxes, ha="center", color=GREY)
    elif finite.min() > 0 and finite.max() > LOG_FROM * finite.min():
        axes.set_yscale("log")
