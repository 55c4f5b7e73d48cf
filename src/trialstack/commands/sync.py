"""`trialstack sync`."""

from __future__ import annotations

import sys
from pathlib import Path

from trialstack.commands.running import running
from trialstack.errors import TrialstackError
from trialstack.pipeline.sync import sync
from trialstack.quiet import silence_libraries
from trialstack.tracking.store import resolve_store

STOPPED = "stopped; what was sent stays, and the same command sends the rest"


def run_sync(
    name: str | None, *, tracking_uri: str | None, directory: Path | None, debug: bool
) -> None:
    """Sends what a store is missing, and prints a line a search.

    Args:
        name: Of the experiment; None = all.
        tracking_uri: Of the store; None = its default.
        directory: Of a program's own searches; None = searches of experiments.
        debug: Show the debug log.

    Raises:
        TrialstackError: Something is still missing.
    """
    silence_libraries()
    out, failed, told = sys.stdout, 0, 0
    with running(lambda _: STOPPED, debug=debug) as progress:
        for synced in sync(name, tracking_uri=tracking_uri, directory=directory, listener=progress):
            print(f"{synced.title}: {synced.said}", file=out, flush=True)
            told += 1
            failed += synced.failed
    if not told:
        print(f"no search in {resolve_store(tracking_uri).folder / 'searches'}: nothing to send")
    if failed:
        raise TrialstackError(
            f"{failed} of {told} could not be sent completely; what is missing is kept: mend the "
            "cause and give the same command again"
        )
