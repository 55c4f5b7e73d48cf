"""Trains trials that may have killed the search, each in a child process that it may kill instead.

The child is given what a trial is (`TrialSpec`, hyperparameters) and answers with what the journal
would say of it; weights and pictures' data lie in files of the search's folder.
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.errors import TrialstackError
from trialstack.executors.base import Tell
from trialstack.executors.child import Child, ChildDiedError
from trialstack.executors.reason import encodable
from trialstack.trials import EpochBlock, EpochRow, Failed, Finished, Started, TrialSpec
from trialstack.tuners.active import NotedHyperParameters
from trialstack.tuners.journal import plain
from trialstack.tuners.recorded import event_of
from trialstack.tuners.replay import hyperparameters_of
from trialstack.tuners.weights import read_weights

FOLDER = "apart"
"""Of the search's folder; it is there while trials are trained apart."""
PROBE, OUTPUTS, WEIGHTS, LOG = "probe.npy", "outputs.npy", "weights.npz", "log"
"""Files in it: points for pictures, the model's outputs there, its weights, what the child said."""
LIVES = 2
"""Deaths of its child that a trial is failed by."""


class Apart:
    """Trains one trial after the other in a child process.

    Args:
        command: What starts the child, see `trialstack.tuners.apart_worker`; the folder follows.
        home: The search's folder.
        probe: See `trialstack.executors.base.TrainingJob`.
    """

    def __init__(
        self, command: Sequence[str], home: Path, probe: NDArray[np.float32] | None
    ) -> None:
        self._folder = home / FOLDER
        self._command = [*command, str(home)]
        self._probe = probe
        self._child: Child | None = None
        self._deaths: dict[tuple[str, int], list[ChildDiedError]] = {}  # by trial and attempt

    def close(self) -> None:
        """Ends the child and removes its files."""
        self._end_child()
        shutil.rmtree(self._folder, ignore_errors=True)

    def build(self, spec: TrialSpec, hp: NotedHyperParameters) -> None:
        """Builds a trial's model to learn what hyperparameters it asks for.

        Args:
            spec: The trial; one that kills the child will be failed by `train`.
            hp: Its hyperparameters, which learn.
        """
        while len(self._deaths_of(spec)) < LIVES:
            try:
                _take(next(self._answers(_request("build", spec, hp))), hp)
                return
            except ChildDiedError as death:
                self._bury(spec, death)

    def train(self, spec: TrialSpec, hp: NotedHyperParameters, tell: Tell) -> None:
        """Trains a trial and tells its events, its start and its end among them.

        Raises:
            TrialstackError: The child cannot do its work, whatever the trial.
        """
        tell(Started(spec.trial_id, time.time()))
        told = _Told(tell)
        while len(self._deaths_of(spec)) < LIVES:
            try:
                end = self._trained(spec, hp, told)
            except ChildDiedError as death:
                self._bury(spec, death)
            else:
                tell(end)
                return
        last = self._deaths_of(spec)[-1]
        tell(
            Failed(
                spec.trial_id,
                time.time(),
                f"its process died twice ({last})",
                traceback=encodable(last.log),
                history=told.history,
                retry=False,
            )
        )

    def _trained(self, spec: TrialSpec, hp: NotedHyperParameters, told: _Told) -> Finished | Failed:
        """One training in the child.

        Raises:
            ChildDiedError: It died.
        """
        told.again()
        for answer in self._answers(_request("train", spec, hp)):
            if answer["event"] == "epochs":
                rows = [{name: float(v) for name, v in row.items()} for row in answer["rows"]]
                told.tell(
                    EpochBlock(
                        spec.trial_id,
                        answer["first_epoch"],
                        rows,
                        [float(each) for each in answer["times"]],
                        answer["execution"],
                    )
                )
                continue
            _take(answer, hp)
            return self._end_of(answer)
        raise AssertionError("answers end with an exception")

    def _end_of(self, answer: dict[str, Any]) -> Finished | Failed:
        event = event_of(answer)
        if isinstance(event, Failed):
            return dataclasses.replace(event, retry=answer["retry"])
        if answer["has_weights"]:
            stored = read_weights(self._folder / WEIGHTS)
            event = dataclasses.replace(
                event, weights=stored.arrays, build_config=stored.build_config
            )
        if answer["has_outputs"]:
            outputs = np.load(self._folder / OUTPUTS, allow_pickle=False)
            event = dataclasses.replace(event, probe=outputs)
        return event

    def _answers(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if self._child is None:
            self._start_child()
        assert self._child is not None
        for answer in self._child.answers(request):
            if answer["event"] == "refused":
                raise TrialstackError(answer["text"])
            yield answer

    def _start_child(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._probe is not None:
            np.save(self._folder / PROBE, self._probe, allow_pickle=False)
        self._child = Child(self._command, self._folder / LOG)
        try:
            answer = next(self._child.answers())
        except ChildDiedError as death:  # no trial has a part in it
            last = death.log.rpartition("\n")[2] or "it left no word"
            raise TrialstackError(
                f"the process that is to train trials apart did not come up ({death}): {last}"
            ) from death
        if answer["event"] == "refused":
            raise TrialstackError(answer["text"])

    def _deaths_of(self, spec: TrialSpec) -> list[ChildDiedError]:
        return self._deaths.setdefault((spec.trial_id, spec.attempt), [])

    def _bury(self, spec: TrialSpec, death: ChildDiedError) -> None:
        """Counts a death of the child; another one is started when it is needed."""
        self._deaths_of(spec).append(death)
        self._end_child()

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None


class _Told:
    """Tells the epochs of a training that may be begun again, each once."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._rows: dict[int, list[EpochRow]] = {}  # execution -> rows told
        self._seen: Counter[int] = Counter()  # execution -> rows of this training

    @property
    def history(self) -> dict[str, list[float]]:
        """Of the first execution."""
        rows = self._rows.get(0, [])
        return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}

    def again(self) -> None:
        """The training begins."""
        self._seen.clear()

    def tell(self, block: EpochBlock) -> None:
        """Hands on what is new of a block."""
        told = self._rows.setdefault(block.execution, [])
        known = max(len(told) - block.first_epoch, 0)
        rows = block.rows[known:]
        if rows:
            told.extend(rows)
            first, times = block.first_epoch + known, block.times[known:]
            self._tell(dataclasses.replace(block, first_epoch=first, rows=rows, times=times))


def _request(what: str, spec: TrialSpec, hp: NotedHyperParameters) -> dict[str, Any]:
    request: dict[str, Any] = plain(
        {"do": what, "spec": dataclasses.asdict(spec), "noted": sorted(hp.noted), **hp.get_config()}
    )
    return request


def _take(answer: dict[str, Any], hp: NotedHyperParameters) -> None:
    """Learns what a trial has asked for in the child."""
    learned = NotedHyperParameters.of(hyperparameters_of(answer))
    hp._space, hp._hps, hp.values = learned._space, learned._hps, learned.values
    hp.noted = set(answer["noted"])
