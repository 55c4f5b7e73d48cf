"""Markdown for descriptions, as MLflow's pages show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_GAP = "&nbsp;&nbsp;"
"""MLflow draws tables without lines or padding, so that columns would touch."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose columns stand apart from each other.

    Example:
        >>> print(table(["", "loss"], [["this run", "0.29"], ["the tutorial", "-"]]))
        | &nbsp;&nbsp; | loss&nbsp;&nbsp; |
        | --- | --- |
        | this run&nbsp;&nbsp; | 0.29&nbsp;&nbsp; |
        | the tutorial&nbsp;&nbsp; | -&nbsp;&nbsp; |
    """
    lines = [_line(f"{cell}{_GAP}" for cell in cells) for cells in (header, *rows)]
    return "\n".join([lines[0], _line(["---"] * len(header)), *lines[1:]])


def link(text: str, address: str) -> str:
    """A link; see `trialstack.tracking.links.within_ui` for the address of a page of the UI."""
    return f"[{text}]({address})"


def escaped(text: str) -> str:
    r"""A name in which nothing is taken for Markdown.

    Example:
        >>> print(escaped("a_b*"))
        a\_b\*
    """
    return "".join(f"\\{c}" if c in "\\`*_[]<>|" else c for c in text)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
