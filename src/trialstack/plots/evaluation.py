"""Plots of a classifier on test rows.

The numbers come from `trialstack.evaluation`; here they are drawn. Every function takes one
or several models by name and puts them on the same axes (confusion matrices: side by side).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import ArrayLike

from trialstack.datasets.names import shortened
from trialstack.evaluation.confidence import confidence_curve
from trialstack.evaluation.curves import (
    CalibrationCurve,
    Curve,
    calibration,
    confusion,
    precision_recall,
    roc_curve,
)
from trialstack.evaluation.histogram import score_histogram
from trialstack.evaluation.thresholds import threshold_curve
from trialstack.plots.confidence import draw_confidence
from trialstack.plots.confusion import draw_confusion
from trialstack.plots.histogram import draw_score_histogram
from trialstack.plots.style import (
    GREY,
    LEGEND_STYLE,
    LINE_STYLES,
    LegendEntry,
    colour,
    legend_below,
    new_figure,
    plain,
    shown_entries,
    style_axes,
)
from trialstack.plots.thinned import thinned
from trialstack.plots.thresholds import draw_thresholds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "draw_calibration",
    "draw_confusion",
    "draw_precision_recall",
    "draw_roc",
    "draw_score_histogram",
    "draw_thresholds",
    "evaluation_figures",
]

MOST_COLOURED = 8
"""With more classes than this the curves are drawn alike: nobody tells twenty colours apart."""

MOST_INSIDE = 4
"""Lines of a legend up to which it stands inside the axes."""

REFERENCE_LINE: dict[str, Any] = {"color": GREY, "linewidth": 1, "linestyle": (0, (1, 3))}
"""Faint dots: what a model without knowledge, or a perfectly calibrated one, would give."""


def evaluation_figures(
    y: ArrayLike,
    probabilities: ArrayLike | Mapping[str, ArrayLike],
    classes: Sequence[str],
    title: str = "",
) -> dict[str, Figure]:
    """All plots of one model or of several.

    Args:
        y: Class indices 0 to classes - 1, shape `(rows,)`.
        probabilities: Shape `(rows, classes)`, binary: column 1 is the positive class; or the
            name of each model with its probabilities.
        classes: Names of the classes, in the order of the columns.
        title: What was evaluated on which rows.

    Returns:
        Figures `roc`, `precision_recall`, `calibration`, `confusion_matrix`, `score_histogram`
        and `thresholds`. Of two classes the threshold is on the probability of the second; of
        more on that of the most probable one, which is what is predicted.

    Raises:
        DataError: See `trialstack.evaluation.checks.check_predictions`.

    Example:
        >>> p = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
        >>> list(evaluation_figures([0, 0, 1, 1], p, ["no", "yes"]))[3:]
        ['confusion_matrix', 'score_histogram', 'thresholds']
    """
    models = probabilities if isinstance(probabilities, Mapping) else {"": probabilities}

    def of_each(compute: Callable[..., Any]) -> dict[str, Any]:
        return {name: compute(y, p, classes) for name, p in models.items()}

    figures = {
        "roc": draw_roc(of_each(roc_curve), title),
        "precision_recall": draw_precision_recall(of_each(precision_recall), title),
        "calibration": draw_calibration(of_each(calibration), title),
        "confusion_matrix": draw_confusion(of_each(confusion), classes, title),
        "score_histogram": draw_score_histogram(of_each(score_histogram), title),
    }
    return figures | {
        "thresholds": draw_thresholds(of_each(threshold_curve), title)
        if len(classes) == 2
        else draw_confidence(of_each(confidence_curve), title)
    }


def draw_roc(models: Mapping[str, Sequence[Curve]], title: str = "") -> Figure:
    """Draws ROC curves.

    Args:
        models: Name of each model with its curves from `roc_curve`.
        title: What was evaluated on which rows.
    """
    figure, axes = _unit_square("ROC curve", title, "False positive rate", "True positive rate")
    axes.plot([0, 1], [0, 1], **REFERENCE_LINE)
    axes.annotate("guessing", xy=(0.3, 0.27), ha="left", va="top", color=GREY, fontsize=9)
    entries = [
        (axes.plot(*thinned(curve.x, curve.y), **look)[0], label)
        for curve, look, label in _lines(models, "AUC")
    ]
    _legend(figure, axes, entries, models, "lower right")
    return figure


def draw_precision_recall(models: Mapping[str, Sequence[Curve]], title: str = "") -> Figure:
    """Draws precision-recall curves; a dotted line is the precision of an alarm for every row.

    Args:
        models: Name of each model with its curves from `precision_recall`.
        title: What was evaluated on which rows.
    """
    figure, axes = _unit_square("Precision-recall curve", title, "Recall", "Precision")
    # Between two thresholds the precision is that of the one with the higher recall.
    entries = [
        (axes.step(*thinned(curve.x, curve.y), where="pre", **look)[0], label)
        for curve, look, label in _lines(models, "AP")
    ]
    curves = next(iter(models.values()))
    if len(curves) == 1:
        _mark_prevalence(axes, curves[0].prevalence)
    _legend(figure, axes, entries, models, "lower left")
    return figure


def draw_calibration(models: Mapping[str, CalibrationCurve], title: str = "") -> Figure:
    """Draws reliability curves above the numbers of rows in the bins.

    The area of a point is its share of the rows, the bar its 95 % interval.

    Args:
        models: Name of each model with its curve from `calibration`.
        title: What was evaluated on which rows.
    """
    figure = new_figure(6.0, 6.0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    positive = next(iter(models.values())).label
    of_class = f"“{shortened(positive, 20)}”" if positive else "the predicted class"
    style_axes(upper, title="Calibration", subtitle=title, y="Share that came true")
    style_axes(lower, x=f"Predicted probability of {of_class}", y="Rows")
    upper.plot([0, 1], [0, 1], **REFERENCE_LINE)
    entries: list[LegendEntry] = []
    for m, (name, curve) in enumerate(models.items()):
        ink, style = colour(m), LINE_STYLES[m % len(LINE_STYLES)]
        score = f"expected calibration error {curve.error:.3f}"
        label = f"{shortened(name, 20)} ({score})" if name else score
        line = {"color": ink, "linestyle": style, "linewidth": 1, "alpha": 0.6}
        entries.append((upper.plot(curve.predicted, curve.observed, **line)[0], label))
        areas = 12 + 240 * curve.filled_counts / curve.counts.sum()
        upper.scatter(curve.predicted, curve.observed, s=areas, color=ink, zorder=3, alpha=0.9)
        upper.vlines(curve.predicted, curve.low, curve.high, color=ink, alpha=0.35)
        lower.stairs(curve.counts, curve.edges, color=ink, linestyle=style, linewidth=1.5)
    upper.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    lower.set_ylim(bottom=0)
    figure.align_ylabels()
    legend_below(figure, entries, columns=1)
    return figure


def _unit_square(name: str, title: str, x: str, y: str) -> tuple[Figure, Axes]:
    figure = new_figure()
    axes = figure.subplots()
    style_axes(axes, title=name, subtitle=title, x=x, y=y)
    # A little more than 0 to 1: curves of good models run along the edges.
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    return figure, axes


def _lines(
    models: Mapping[str, Sequence[Curve]], score: str
) -> Iterator[tuple[Curve, dict[str, Any], str]]:
    """Each curve with its looks and its text in the legend (empty: none).

    Colour tells classes apart, or models where there is one class; line style tells models apart.
    """
    for m, (name, curves) in enumerate(models.items()):
        alike = len(curves) > MOST_COLOURED
        for k, curve in enumerate(curves):
            look = {
                "color": colour(m if alike or len(curves) == 1 else k),
                "linestyle": LINE_STYLES[m % len(LINE_STYLES)],
                "linewidth": 1 if alike else 2,
                "alpha": 0.45 if alike else 1,
            }
            if alike:
                areas = [each.area for each in curves]
                what, value = f"{len(curves)} classes", f"{min(areas):.3f} to {max(areas):.3f}"
            else:
                what, value = shortened(curve.label, 20), f"{curve.area:.3f}"
            if name and len(curves) == 1:
                what = ""  # the legend's heading says it
            label = ", ".join(part for part in (shortened(name, 20), what) if part)
            yield curve, look, "" if alike and k else f"{label} ({score} {value})"


def _mark_prevalence(axes: Axes, prevalence: float) -> None:
    axes.axhline(prevalence, **REFERENCE_LINE)
    axes.annotate(
        f"share of the class {prevalence:.3f}",
        xy=(1, prevalence),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        color=GREY,
        fontsize=9,
    )


def _legend(
    figure: Figure,
    axes: Axes,
    entries: Sequence[LegendEntry],
    models: Mapping[str, Sequence[Curve]],
    corner: Literal["lower left", "lower right"],
) -> None:
    """Inside the axes where there is room, else below them with a column for each model."""
    if sum(bool(label) for _, label in entries) > MOST_INSIDE:
        legend_below(figure, entries, columns=max(2, len(models)))
        return
    classes = {curve.label for curves in models.values() for curve in curves}
    # Where lines are of models, the class that all of them are of is the heading.
    heading = len(classes) == 1 and "" not in models
    axes.legend(
        *shown_entries(entries),
        loc=corner,
        title=plain(f"“{shortened(classes.pop(), 24)}”") if heading else None,
        **LEGEND_STYLE,
    )
