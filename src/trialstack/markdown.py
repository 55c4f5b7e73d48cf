"""Markdown for descriptions, as MLflow's pages show them."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterable, Sequence

_GAP = "&nbsp;&nbsp;"
"""MLflow draws tables without lines or padding, so that columns would touch."""

_FENCED = re.compile(r"^```.*\n([\s\S]*?)^```[^\S\n]*$", re.MULTILINE)
_INLINE = re.compile(
    r"\\(?P<escaped>[!-/:-@[-`{-~])|`(?P<code>[^`\n]+)`|\[(?P<text>[^]\n]+)\]\((?P<address>[^)\s]+)\)"
    r"|\*\*(?P<bold>[^\s*](?:[^\n]*?[^\s*])?)\*\*|^#{1,6} +(?P<heading>.*)$",
    re.MULTILINE,
)


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


def plain(text: str) -> str:
    r"""Markdown as a terminal shows it best: its words, code indented.

    A link keeps its address, unless that is of a page of the UI, which says nothing by itself.

    Example:
        >>> print(plain("**Best**: [trial 1](#/runs/7), see [docs](http://a.b), `l1` of a\\_b."))
        Best: trial 1, see docs (http://a.b), l1 of a_b.
        >>> print(plain("Load:\n\n```python\nimport x\n```"))
        Load:
        <BLANKLINE>
          import x
    """
    prose_and_code = _FENCED.split(text)
    parts = [
        textwrap.indent(part.rstrip("\n"), "  ") if place % 2 else html.unescape(_words(part))
        for place, part in enumerate(prose_and_code)
    ]
    return "".join(parts).strip("\n")


def _words(text: str) -> str:
    return _INLINE.sub(_word, text)


def _word(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    if kind == "address":
        shown, address = _words(found["text"]), found["address"]
        return shown if address.startswith("#") else f"{shown} ({address})"
    return found[kind] if kind in {"code", "escaped"} else _words(found[kind])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
