"""A running search as a few lines of a terminal of any width."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from trialstack.durations import shown_duration
from trialstack.live.snapshot import Snapshot
from trialstack.live.sparkline import BLOCKS, best_so_far, binned, last_of_bins, sparkline, spread

SEPARATOR = " · "
LEGEND_GAP = 2
BEST_SO_FAR = "best so far"
PARTS = (("█", "green"), ("×", "red"), ("▒", "cyan"), ("░", "dim"))
"""Of the bar: trials that are finished, failed, under way and waiting. Marks that differ without
colour, too."""


def dashboard(snapshot: Snapshot, width: int) -> list[Text]:
    """Lines that show how far a search is, the most important ones first.

    Args:
        snapshot: The search.
        width: Columns of the terminal; the last one stays free, as some begin another row once it
            is written.
    """
    width = max(width - 1, 1)
    lines = [bar(snapshot, width)]
    lines += [Text(line) for line in folded(_counts(snapshot), width)]
    lines += [Text(line, style="dim") for line in folded(_times(snapshot), width)]
    lines += _best(snapshot, width)
    lines += _curves(snapshot, width)
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def bar(snapshot: Snapshot, width: int) -> Text:
    """Finished, failed, running and waiting trials, each with its share of the line.

    Example:
        >>> from trialstack.trials import Objective
        >>> auc = Objective("val_auc", "max")
        >>> bar(Snapshot(auc, 8, scores=(0.9, float("nan"), 0.8, 0.7), running=2), 8).plain
        '███×▒▒░░'
    """
    ended, failed, running = len(snapshot.scores), snapshot.failed, snapshot.running
    waiting = max(snapshot.max_trials - ended - running, 0)
    text = Text()
    shares = shared([ended - failed, failed, running, waiting], width)
    for cells, (mark, style) in zip(shares, PARTS, strict=True):
        text.append(mark * cells, style)
    return text


def shared(counts: Sequence[int], cells: int) -> list[int]:
    """Divides cells in the proportion of counts; what is there at all gets one from the largest.

    Example:
        >>> shared([90, 1, 0, 209], 30)
        [9, 1, 0, 20]
    """
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    ends = [end * cells // total for end in itertools.accumulate(counts, initial=0)]
    shares = [end - start for start, end in itertools.pairwise(ends)]
    for place, count in enumerate(counts):
        if count and not shares[place]:
            shares[shares.index(max(shares))] -= 1
            shares[place] = 1
    return shares


def folded(parts: Sequence[str], width: int) -> Iterator[str]:
    """Parts beside each other, as many as fit in a line.

    Example:
        >>> list(folded(["7 of 10 trials", "3 running", "stacked"], 30))
        ['7 of 10 trials · 3 running', 'stacked']
    """
    line = ""
    for part in parts:
        longer = f"{line}{SEPARATOR}{part}" if line else part
        if line and cell_len(longer) > width:
            yield line
            longer = part
        line = longer
    if line:
        yield line


def _counts(snapshot: Snapshot) -> list[str]:
    parts = [f"{len(snapshot.scores)} of {snapshot.max_trials} trials"]
    parts += [f"{snapshot.running} running"] if snapshot.running else []
    parts += [f"{snapshot.failed} failed"] if snapshot.failed else []
    parts += [snapshot.epoch] if snapshot.epoch else []
    return [*parts, snapshot.executor]


def _times(snapshot: Snapshot) -> list[str]:
    parts = [f"{shown_duration(snapshot.used)} used"]
    if snapshot.left is not None:
        parts.append(f"about {shown_duration(snapshot.left)} left")
    if snapshot.rate is not None:
        digits = 0 if snapshot.rate >= 10 else 1
        parts.append(f"{snapshot.rate:,.{digits}f} epochs/s")
    return parts


def _best(snapshot: Snapshot, width: int) -> list[Text]:
    """The best trial: in one line, or its name, with the hyperparameters, in further ones."""
    if snapshot.best is None:
        return []
    score, name = snapshot.best
    head = f"best {snapshot.objective.name} {score:.4f}"
    lines = [Text(line) for line in folded([head, *name.split(SEPARATOR)], width)]
    lines[0].stylize("bold", 0, len(head))
    return lines


def _curves(snapshot: Snapshot, width: int) -> list[Text]:
    """The scores in the order of ending, and below them the best so far, on the same scale."""
    if snapshot.best is None:
        return []
    better_is_high = snapshot.objective.direction == "max"
    low, high = spread(snapshot.scores, better_is_high)
    scale = f"{BLOCKS[-1]} {high:.4g}"
    scale = f"{BLOCKS[0]} {low:.4g} {scale}" if low < high else scale
    name = f"{snapshot.objective.name}  {scale}"
    legend = name if len(name) * 2 < width else scale
    room = width - LEGEND_GAP - max(len(legend), len(BEST_SO_FAR))
    cells = max(min(room, snapshot.max_trials), 1)
    best = best_so_far(snapshot.scores, better_is_high)
    lines = []
    for series, text, style in (
        (binned(snapshot.scores, cells), legend, ""),
        (last_of_bins(best, cells), BEST_SO_FAR, "green"),
    ):
        line = Text(sparkline(series, low, high).ljust(cells), style)
        lines.append(line.append(f"{'':{LEGEND_GAP}}{text}", "dim"))
    return lines
