"""The report of a search as a file: what `import trialstack` offers of it."""

from __future__ import annotations

import re
from pathlib import Path

from trialstack.errors import InputError
from trialstack.report.find import find_search
from trialstack.report.page.of_search import CHOSEN, page_of_search
from trialstack.report.page.render import render
from trialstack.report.runs import RunStore
from trialstack.report.search import StoredSearch, read_search


def write_report(
    search: str, path: str | Path | None = None, *, tracking_uri: str | None = None
) -> Path:
    """One HTML file that tells all that MLflow holds of a search: running, failed or done.

    It needs no network and no other file: its pictures, data and script are within it.

    Args:
        search: `NAME` of an experiment, for its latest search, or `NAME@SEARCH_RUN_ID`. The
            beginning of an id will do.
        path: Where to write, over what is there; by default `NAME-ID.html` in the current
            directory.
        tracking_uri: MLflow store; by default `MLFLOW_TRACKING_URI`, or the embedded store under
            the current directory.

    Returns:
        The file.

    Raises:
        InputError: There is no such store, experiment or search, or the file cannot be written.

    Example:
        ```python
        trialstack.write_report("breast-cancer", "breast-cancer.html")
        ```
    """
    runs = RunStore.at(tracking_uri)
    found = read_search(runs, find_search(runs, search))
    file = Path(path) if path is not None else Path(default_name(found))
    return save_page(search_html(runs, found), file)


def search_html(runs: RunStore, search: StoredSearch, chosen: int = CHOSEN) -> str:
    """The report as text.

    Args:
        runs: The store.
        search: As `read_search` read it.
        chosen: So many of the best trials have their curves shown at first.
    """
    return render(page_of_search(runs, search, chosen))


def save_page(text: str, file: Path, option: str = "") -> Path:
    """Writes a page.

    Args:
        text: All of it.
        file: Where to.
        option: What named the file, for the error line.

    Raises:
        InputError: It cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        place = f"{option} {file}".strip()
        raise InputError(f"{place}: {error.strerror or error}; give another file") from error
    return file


def default_name(search: StoredSearch) -> str:
    """Name of a search's file, of characters that every file system takes."""
    name = re.sub(r"[^\w.-]+", "-", search.run.experiment).strip("-.")[:80] or "search"
    return f"{name}-{search.run.run_id[:8]}.html"
