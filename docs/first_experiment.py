"""Puts into a page the experiment file that `trialstack new my-search` writes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from trialstack.new import write_new

MARK = "{{ what `trialstack new my-search` writes }}"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by MkDocs for every page."""
    if MARK not in markdown:
        return markdown
    with tempfile.TemporaryDirectory() as folder:
        return markdown.replace(MARK, write_new("my-search", Path(folder)).read_text("utf-8"))
