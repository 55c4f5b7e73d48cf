"""`trialstack ui`."""

from __future__ import annotations

import sys

from trialstack.console import one_line
from trialstack.errors import Interrupted
from trialstack.tracking.overview import entry_pages
from trialstack.tracking.store import Store, open_client, resolve_store
from trialstack.tracking.ui import serve_ui


def run_ui(tracking_uri: str | None, port: int, host: str) -> None:
    """Serves the MLflow UI until Ctrl-C.

    Args:
        tracking_uri: Of the store; None = its default.
        port: Where to listen; the next free one if it is taken.
        host: A loopback address.
    """
    store = resolve_store(tracking_uri)
    try:
        serve_ui(
            store,
            port,
            host=host,
            on_ready=lambda url: _say_where(store, url),
            warn=lambda line: print(f"warning: {one_line(line)}", file=sys.stderr),
        )
    except Interrupted:
        return  # the usual way to end it


def _say_where(store: Store, url: str) -> None:
    """Prints the page of all experiments, and the best page of each of the latest ones."""
    print(f"{url}/#/experiments?workflowType=machine_learning", flush=True)
    for name, page in entry_pages(open_client(store), url).items():
        print(f"  {name}: {page}", flush=True)
