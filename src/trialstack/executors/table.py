"""The executors there are, by the name that experiment files and arguments use."""

from __future__ import annotations

from collections.abc import Callable

from trialstack.errors import InputError
from trialstack.executors.base import Executor
from trialstack.executors.one_by_one import OneByOneExecutor


def _stacked() -> Executor:
    from trialstack.executors.stacked.executor import StackedExecutor

    return StackedExecutor()


EXECUTORS: dict[str, Callable[[], Executor]] = {
    "one-by-one": OneByOneExecutor,
    "stacked": _stacked,
}
AUTO = "stacked"
"""What `auto` chooses: it trains one by one what cannot be stacked."""


def make_executor(executor: str | Executor) -> Executor:
    """An executor by its name; one that is an executor already is returned as it is.

    Raises:
        InputError: No executor of that name is built.
    """
    if not isinstance(executor, str):
        return executor
    name = AUTO if executor == "auto" else executor
    if name not in EXECUTORS:
        raise InputError(
            f"executor {executor!r} is not there; allowed: {', '.join(['auto', *EXECUTORS])}"
        )
    return EXECUTORS[name]()
