"""`trialstack report`."""

from __future__ import annotations

import sys
from pathlib import Path

from trialstack.errors import InputError
from trialstack.quiet import silence_libraries
from trialstack.report.find import find_search
from trialstack.report.page.write import default_name, save_page, search_html
from trialstack.report.runs import RunStore
from trialstack.report.search import read_search

STDOUT = "-"


def run_report(name: str, output: str | None, tracking_uri: str | None) -> None:
    """Writes the report of a search, and prints the name of the file.

    Args:
        name: `NAME` or `NAME@SEARCH_RUN_ID`.
        output: Where to write: a file, or `-` for stdout; None for a name of its own.
        tracking_uri: Of the store; None = its default.
    """
    silence_libraries()
    require_target("-o", output)
    runs = RunStore.at(tracking_uri)
    search = read_search(runs, find_search(runs, name))
    text = search_html(runs, search)
    if output == STDOUT:
        sys.stdout.write(text)
        return
    file = save_page(text, Path(output or default_name(search)), "-o" if output else "")
    print(file)
    print(told(file), file=sys.stderr)


def require_target(option: str, target: str | None) -> None:
    """Refuses an empty name of a file, which a shell makes of a variable that is not set."""
    if target == "":
        raise InputError(f"{option}: '' came; give a file, or {STDOUT} for stdout")


def told(file: Path) -> str:
    """That a page is there, and how large it is."""
    return f"{file} is written ({file.stat().st_size / 1e6:.1f} MB): open it in a browser"
