"""Where a search kills itself: run as a script, it is `trialstack` with one function changed.

    python tests/faults/kill_points.py "a trial is recorded: before" tune experiment.toml

The program itself knows nothing of this. A point names a function that the search calls; at its
n-th call the process gets SIGKILL before the call, after it, or with half of what it wrote.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class KillPoint:
    """A moment of a search.

    Attributes:
        name: For people.
        function: `module:name` or `module:Class.name`, as its caller looks it up.
        when: `"half"`: what the call appended to a file is cut in its middle.
        call: Which call, from 1, of those that have all of `words` among their arguments.
        words: See `call`.
        checks_model: Whether the process that checks the final model is needed; without it a
            start of the command takes half the time.
    """

    name: str
    function: str
    when: Literal["before", "after", "half"]
    call: int = 1
    words: tuple[str, ...] = ()
    checks_model: bool = False


APPEND = "trialstack.tuners.journal:Journal.append"
EPOCH = "trialstack.tuners.recording:Execution.add"

START = [
    KillPoint("TensorFlow is imported", "trialstack.quiet:load_tensorflow", "before"),
    KillPoint(
        "the store's tables are made",
        "alembic.runtime.migration:HeadMaintainer.update_to_step",
        "before",
        5,
    ),
    KillPoint("the store is there", "trialstack.pipeline.main:open_client", "after"),
    KillPoint("the search is opened: half a line", APPEND, "half", words=("opened",)),
    KillPoint("the search is opened", APPEND, "after", words=("opened",)),
    KillPoint(
        "the search's run is made", "trialstack.tracking.run_requests:RunRequests.open", "after"
    ),
]

TRIALS = [
    KillPoint("the baseline learns", EPOCH, "after"),
    KillPoint("the baseline is recorded", APPEND, "before", words=("stage", "baseline")),
    KillPoint("a trial is asked: half a line", APPEND, "half", words=("asked",)),
    KillPoint("the first trial begins", APPEND, "after", words=("started",)),
    KillPoint("the first trial learns", EPOCH, "after", 2),
    KillPoint("a trial's weights are kept", APPEND, "before", words=("finished",)),
    KillPoint("a trial is recorded: half a line", APPEND, "half", words=("finished",)),
    KillPoint("a trial is recorded", APPEND, "after", words=("finished",)),
    KillPoint("MLflow takes a batch", "trialstack.tracking.direct:add_metrics", "after", 2),
    KillPoint("the last trial is recorded", APPEND, "before", words=("closed",)),
]

STACK = [
    KillPoint("a stack is asked", APPEND, "after", 3, words=("asked",)),
    KillPoint(
        "a stack learns", "trialstack.executors.stacked.cohort:Cohort.end_epoch", "before", 3
    ),
    KillPoint("a stack's weights are kept", APPEND, "before", 2, words=("finished",)),
    KillPoint("half a stack is recorded: half a line", APPEND, "half", 2, words=("finished",)),
    KillPoint("more of it is recorded", APPEND, "after", 2, words=("finished",)),
]

ORACLE = [
    KillPoint("the oracle's state is written", "keras_tuner.src.utils:save_json", "half"),
]

FINAL = [
    KillPoint("the final model learns", EPOCH, "after"),
    KillPoint(
        "the final model is checked",
        "trialstack.pipeline.registration:verify",
        "before",
        checks_model=True,
    ),
    KillPoint(
        "the final model is recorded",
        APPEND,
        "before",
        words=("stage", "final"),
        checks_model=True,
    ),
    KillPoint(
        "the final model is recorded: half a line",
        APPEND,
        "half",
        words=("stage", "final"),
        checks_model=True,
    ),
    KillPoint(
        "the version is made",
        "trialstack.registry.champion:_decide",
        "before",
        checks_model=True,
    ),
    KillPoint("the champion is crowned", "trialstack.registry.champion:crown", "after"),
    KillPoint(
        "the search's run is ended",
        "trialstack.pipeline.main:_record_done",
        "before",
        checks_model=True,
    ),
]

POINTS = {point.name: point for point in [*START, *TRIALS, *STACK, *ORACLE, *FINAL]}


def kill_at(point: KillPoint) -> None:
    """Changes the function of a point."""
    module, _, path = point.function.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    original = getattr(owner, name)
    calls = 0

    @functools.wraps(original)
    def killing(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        given = {value for value in (*args, *kwargs.values()) if isinstance(value, str)}
        calls += given.issuperset(point.words)
        if calls != point.call or not given.issuperset(point.words):
            return original(*args, **kwargs)
        if point.when == "before":
            _die()
        before = _size(args[0])
        result = original(*args, **kwargs)
        if point.when == "half":
            _cut(args[0], before)
        _die()
        return result

    setattr(owner, name, killing)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _file(written: Any) -> Path | None:
    """The file behind a function's first argument: a journal, or a name."""
    path = getattr(written, "path", written)
    return Path(path) if isinstance(path, str | Path) else None


def _size(written: Any) -> int:
    path = _file(written)
    return path.stat().st_size if path is not None and path.exists() else 0


def _cut(written: Any, before: int) -> None:
    path = _file(written)
    assert path is not None
    size = path.stat().st_size
    start = before if size > before else 0  # a file that was written anew
    os.truncate(path, start + (size - start) // 2)


def _without_model_check() -> None:
    import contextlib

    from trialstack.registry import fresh

    start: Callable[[], Any] = contextlib.nullcontext
    fresh.FreshProcess.start = start  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    _, chosen, *arguments = sys.argv
    kill_at(POINTS[chosen])
    if not POINTS[chosen].checks_model:
        _without_model_check()
    sys.argv = ["trialstack", *arguments]
    from trialstack.cli import main

    main(arguments)
