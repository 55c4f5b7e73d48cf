"""What a store is missing of a search that no process works on, by the search's journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from trialstack.searches import DONE, state_of
from trialstack.tracking.base import OWN_END, KnownRun, Status, runs_by_key
from trialstack.tuners.journal import Entry, Journal
from trialstack.tuners.names import run_key
from trialstack.tuners.search_run import PARENT


def recorded_open(known: Iterable[KnownRun], journal: Journal) -> list[tuple[KnownRun, float]]:
    """Runs of steps that the journal calls done but the store does not, each with its end."""
    ended = {
        entry["data"]["run_id"]: entry["time"]
        for entry in journal.of("stage")
        if "run_id" in entry["data"] and "error" not in entry["data"]
    }
    return [
        (run, ended[run.run_id])
        for run in known
        if run.run_id in ended and run.status != "FINISHED"
    ]


@dataclass(frozen=True)
class Missing:
    """What the store lacks; false if that is nothing.

    Attributes:
        journal: What there is.
        active: Runs of this search in the store.
        deleted: Those that a person has deleted there: they are not missing.
    """

    journal: Journal
    active: Sequence[KnownRun]
    deleted: Sequence[KnownRun] = ()

    @cached_property
    def known(self) -> Mapping[str, KnownRun]:
        """Key -> run."""
        return runs_by_key([*self.deleted, *self.active])

    @property
    def parent(self) -> KnownRun | None:
        """The search's own run."""
        return self.known.get(PARENT)

    @property
    def parent_is_deleted(self) -> bool:
        """Whether a person has deleted the search."""
        return self.parent is not None and self.parent not in self.active

    @cached_property
    def trials(self) -> list[Entry]:
        """Ends of trials of which the store has no ended run."""
        ended = {key for key, run in self.known.items() if run.status in OWN_END}
        return [
            entry
            for entry in self.journal.of("finished", "failed")
            if run_key(entry["trial_id"], entry["attempt"]) not in ended
        ]

    @cached_property
    def open_runs(self) -> list[KnownRun]:
        """Runs that lack their end, but for those of the search and of missing trials."""
        others = {PARENT, *(run_key(entry["trial_id"], entry["attempt"]) for entry in self.trials)}
        done = {run.run_id for run, _ in recorded_open(self.active, self.journal)}
        return [
            run
            for run in self.active
            if run.run_id in done or (run.status == "RUNNING" and run.key not in others)
        ]

    @cached_property
    def status(self) -> Status:
        """What the search came to: one that is not done is KILLED, until it is gone on with."""
        if "name" not in self.journal.header:  # a program's own, which ends with its trials
            return "FINISHED" if self.journal.closed is not None else "KILLED"
        state = state_of(self.journal)
        if state["name"] != DONE:
            return "KILLED"
        return "FINISHED" if "version" in state["data"] else "FAILED"

    @property
    def end(self) -> bool:
        """Whether the search's run lacks its end, or is not there at all but should be."""
        if self.parent is None:
            return bool(self.trials)
        killed_but_done = self.parent.status == "KILLED" != self.status
        return self.parent.status == "RUNNING" or killed_but_done

    def __bool__(self) -> bool:
        return bool(self.trials or self.open_runs or self.end)

    def __str__(self) -> str:
        trials, runs = len(self.trials), len(self.open_runs)
        parts = [f"{trials} trial{'s' * (trials > 1)}"] if trials else []
        if runs:
            parts.append(f"the end of {runs} run{'s' * (runs > 1)}")
        if self.end:
            parts.append(f"the end of the search ({self.status})")
        return ", ".join(parts)
