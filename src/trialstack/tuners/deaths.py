"""Which trials were under way when the process of a search vanished, by the search's journal.

A process that ends on purpose says goodbye: a search that came to its end is `closed`, one that a
signal or an error ended writes the stage `LEFT`. One that vanished (killed, out of memory, power
cut) has said nothing, and may have been killed by a trial.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence

from trialstack.tuners.journal import Entry

LEFT = "left"
"""Name of the stage with which a process leaves a search before its end, and its trials."""
SUSPICIOUS = 2
"""Deaths with a trial under way after which it is not trained in the search's own process."""


def under_way(entries: Iterable[Entry]) -> list[str]:
    """Trials that are being built or trained after the last entry, in order of beginning."""
    return list(_read(entries)[0])


def suspects(entries: Sequence[Entry]) -> list[str]:
    """Trials that were under way at `SUSPICIOUS` deaths, in order; for a process that begins.

    Example:
        >>> began = {"event": "started", "trial_id": "7"}
        >>> suspects([began]), suspects([began, {"event": "asked", "trial_id": "7"}, began])
        ([], ['7'])
    """
    last, deaths = _read(entries)
    deaths.update(last.keys())
    return sorted(trial_id for trial_id, count in deaths.items() if count >= SUSPICIOUS)


def _read(entries: Iterable[Entry]) -> tuple[dict[str, str], collections.Counter[str]]:
    """What each trial under way was last seen at, and how often it was at the deaths before."""
    flying: dict[str, str] = {}
    deaths: collections.Counter[str] = collections.Counter()
    for entry in entries:
        event, trial_id = entry["event"], entry.get("trial_id", "")
        if event in {"building", "asked"}:
            # A process builds, asks and begins an attempt once: one that finds it under way follows
            # a process that died. But `asked` is also the end of the building before it.
            before = flying.pop(trial_id, None)
            if before is not None and (before, event) != ("building", "asked"):
                deaths[trial_id] += 1
        if event in {"building", "started"}:
            flying[trial_id] = event
        elif event in {"finished", "failed"}:
            flying.pop(trial_id, None)
            deaths.pop(trial_id, None)  # a retry is another training
        elif event == "closed":
            flying.clear()
        elif event == "stage" and entry["name"] == LEFT:
            for left in entry["data"]["trials"]:
                flying.pop(left, None)
    return flying, deaths
