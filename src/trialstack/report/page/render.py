"""From a page's content to the text of an HTML file."""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Any

from trialstack.report.page.content import Page

STYLES = ("frame.css", "charts.css", "print.css")
SCRIPTS = ("shared.js", "leaderboard.js", "curves.js", "highlight.js", "parallel.js", "start.js")
"""In the order in which they are joined; what one declares the later ones use."""


def render(page: Page) -> str:
    """The page as one HTML file, which asks nothing of any network.

    Every text is escaped, also within the data that the page's script reads.
    """
    return str(
        _environment()
        .get_template("page.html.jinja")
        .render(page=page, data=page_data(page), style=_joined(STYLES), script=_joined(SCRIPTS))
    )


def page_data(page: Page) -> dict[str, Any]:
    """What the page's script needs to know, as plain values for JSON.

    Returns:
        `trials`: number -> label, score and hyperparameters; `axes` of the parallel coordinates:
        `name`, `kind`, `low`, `high`, `labels`, and `places` by trial; `curves`: key of a run ->
        label, detail, score and, for each panel, solid path, thin path and the best epoch's place;
        `chosen`: keys.
    """
    data: dict[str, Any] = {"objective": page.objective, "trials": {}, "axes": [], "curves": {}}
    if page.leaderboard is not None:
        skipped = page.leaderboard.first_value
        names = page.leaderboard.columns[skipped:]
        for row in page.leaderboard.rows:
            cells = zip(names, row.cells[skipped:], strict=True)
            detail = " · ".join(f"{name} {cell.text}" for name, cell in cells if cell.text)
            score = row.cells[page.leaderboard.score].text
            data["trials"][str(row.number)] = [f"trial {row.number:03d}", score, detail]
    if page.parallel is not None:
        data["axes"] = [
            {
                "name": axis.name,
                "kind": axis.scale.kind,
                "low": axis.scale.low,
                "high": axis.scale.high,
                "labels": [tick.label for tick in axis.scale.ticks],
                "places": {str(n): round(at, 3) for n, at in axis.places.items()},
            }
            for axis in page.parallel.axes
        ]
    if page.curves is not None:
        data["curves"] = {
            entry.key: [
                entry.label,
                entry.detail,
                entry.score,
                [
                    [line.solid, line.thin, *(line.best or ())]
                    for line in page.curves.lines[entry.key]
                ],
            ]
            for entry in page.curves.entries
        }
    data["chosen"] = list(page.chosen)
    return data


@functools.cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("trialstack.report.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["pc"] = _per_cent
    environment.policies["json.dumps_kwargs"] = {
        "allow_nan": False,
        "ensure_ascii": False,
        "separators": (",", ":"),
    }
    return environment


def _per_cent(share: float) -> str:
    """A share as CSS and SVG write it.

    >>> _per_cent(0.12345), _per_cent(1)
    ('12.3%', '100%')
    """
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


@functools.cache
def _joined(names: tuple[str, ...]) -> str:
    folder = files("trialstack.report.page")
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)
