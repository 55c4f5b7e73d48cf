"""What a journal's entries say of trials, as the values that they were written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trialstack.trials import EpochBlock, Failed, Finished, TrialSpec
from trialstack.tuners.journal import Entry


def spec_of(entry: Entry, number: int, search_seed: int) -> TrialSpec:
    """The attempt that an entry tells the end of.

    Args:
        entry: `finished` or `failed`.
        number: Of the trial.
        search_seed: Of the search.
    """
    values = {name: entry["values"][name] for name in entry["active"]}
    return TrialSpec(entry["trial_id"], number, values, (search_seed, number), entry["attempt"])


def event_of(entry: Entry) -> Finished | Failed:
    """The event that an entry was written of, but for weights and pictures."""
    history = {name: [float(v) for v in values] for name, values in entry["history"].items()}
    if entry["event"] == "failed":
        return Failed(
            entry["trial_id"], entry["time"], entry["reason"], entry["traceback"], history
        )
    return Finished(
        entry["trial_id"],
        entry["time"],
        history,
        {name: float(value) for name, value in entry["metrics"].items()},
        entry["best_epoch"],
        stopped_by=entry["stopped_by"],
        stacked=entry["stacked"],
    )


def epochs_of(entry: Entry, event: Finished | Failed) -> EpochBlock:
    """The epochs of an entry's history, each with the time at which it ended."""
    rows = [
        {name: float(values[epoch]) for name, values in event.history.items()}
        for epoch in range(epochs_run(event.history))
    ]
    # Of another execution than the history is, if there were several.
    times = [float(time) for time in entry["times"]][: len(rows)]
    times += [event.time] * (len(rows) - len(times))
    return EpochBlock(event.trial_id, 0, rows, times)


def epochs_run(history: Mapping[str, Sequence[float]]) -> int:
    """Number of epochs of a history."""
    return max((len(values) for values in history.values()), default=0)
