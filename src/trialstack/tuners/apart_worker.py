"""The child's side of `trialstack.tuners.apart`: trains what it is asked to, until its input ends.

- It says `{"event": "ready"}` once data and hypermodel are there.
- It is asked `{"do": "build" or "train", "spec": ..., "noted": ..., "space": ..., "values": ...}`.
- Of a training it says any number of `{"event": "epochs", ...}`.
- The last word is `{"event": "built" or "finished" or "failed", ...}`, with what the trial has
  asked for; or `{"event": "refused", "text": "one line"}` if no trial at all can be trained.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import numpy as np
from keras_tuner.engine import trial as kt_trial

from trialstack.errors import TrialstackError
from trialstack.trials import EpochBlock, Event, Finished, TrialSpec
from trialstack.tuners.active import NotedHyperParameters
from trialstack.tuners.apart import FOLDER, OUTPUTS, PROBE, WEIGHTS
from trialstack.tuners.job import SearchJob
from trialstack.tuners.journal import plain
from trialstack.tuners.replay import hyperparameters_of
from trialstack.tuners.weights import write_weights

if TYPE_CHECKING:
    from trialstack.tuners.base import TrackedTuner

Prepare = Callable[[], tuple["TrackedTuner", Sequence[Any], Mapping[str, Any]]]
"""Reads data and hypermodel again: a tuner, and the arguments of its `search`."""


def answer_requests(prepare: Prepare, home: Path) -> NoReturn:
    """Runs the child.

    Args:
        prepare: Makes what trials are trained with.
        home: The search's folder.
    """
    folder = home / FOLDER
    # What libraries and the user's code print must not end up between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    faulthandler.enable()  # the log then says where a segmentation fault was
    _be_chosen_first()
    requests = _requests()

    def send(answer: Mapping[str, Any]) -> None:
        print(json.dumps(plain(answer)), file=answers, flush=True)

    try:
        tuner, fit_args, fit_kwargs = prepare()
        probe = folder / PROBE
        points = np.load(probe, allow_pickle=False) if probe.exists() else None
        tuner._job = job = SearchJob(tuner, fit_args, fit_kwargs, points)
        send({"event": "ready"})
        while True:
            send(_answer(requests.get(), tuner, job, folder, send))
    except TrialstackError as error:
        send({"event": "refused", "text": str(error)})
    except Exception as error:
        text = str(error).strip().partition("\n")[0]
        send({"event": "refused", "text": f"{type(error).__name__}: {text}"})
    os._exit(0)


def _requests() -> queue.Queue[dict[str, Any]]:
    """What standard input brings; its end ends this process, whatever it is doing."""
    requests: queue.Queue[dict[str, Any]] = queue.Queue()

    def read(lines: IO[str]) -> None:
        for line in lines:
            requests.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, args=(sys.stdin,), daemon=True).start()
    return requests


def _be_chosen_first() -> None:
    """Where memory runs out, Linux ends this process and not the search."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _answer(
    request: Mapping[str, Any],
    tuner: TrackedTuner,
    job: SearchJob,
    folder: Path,
    send: Callable[[Mapping[str, Any]], None],
) -> dict[str, Any]:
    spec = TrialSpec(**{**request["spec"], "seed": tuple(request["spec"]["seed"])})
    hp = _put_trial(tuner, spec.trial_id, request)

    def tell(event: Event) -> None:
        if isinstance(event, EpochBlock):
            send({"event": "epochs", **vars(event)})

    if request["do"] == "build":
        answer: dict[str, Any] = {"event": "built"}
        try:
            job.build(spec)
        except Exception:
            hp.noted.clear()  # it did not come to ask for all that it has; its training will tell
    else:
        try:
            answer = _finished(job.train(spec, tell), folder)
        except TrialstackError:
            raise
        except Exception as error:
            answer = {"event": "failed", **vars(job.failure(spec, error))}
    return {**answer, "noted": sorted(hp.noted), **hp.get_config()}


def _put_trial(
    tuner: TrackedTuner, trial_id: str, request: Mapping[str, Any]
) -> NotedHyperParameters:
    """Gives a tuner's oracle a trial, as it was asked."""
    hp = NotedHyperParameters.of(hyperparameters_of(dict(request)))
    hp.noted = set(request["noted"])
    tuner.oracle.trials[trial_id] = kt_trial.Trial(
        hp, trial_id=trial_id, status=kt_trial.TrialStatus.RUNNING
    )
    return hp


def _finished(event: Finished, folder: Path) -> dict[str, Any]:
    if event.weights is not None:
        write_weights(folder / WEIGHTS, event.weights, event.build_config)
    if event.probe is not None:
        np.save(folder / OUTPUTS, event.probe, allow_pickle=False)
    fields = vars(event).keys() - {"weights", "probe", "build_config"}
    return {
        "event": "finished",
        **{name: getattr(event, name) for name in sorted(fields)},
        "has_weights": event.weights is not None,
        "has_outputs": event.probe is not None,
    }
