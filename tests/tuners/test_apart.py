"""A child of a few lines that speaks as the real one does, and dies when it is told to."""

from __future__ import annotations

import sys
from pathlib import Path

import keras_tuner
import numpy as np
import pytest

from trialstack.errors import TrialstackError
from trialstack.trials import EpochBlock, Event, Failed, Finished, Started, TrialSpec
from trialstack.tuners.active import NotedHyperParameters
from trialstack.tuners.apart import Apart

CHILD = '''
import json, os, pathlib, signal, sys
import numpy as np

home = pathlib.Path(sys.argv[-1])
def say(**answer):
    print(json.dumps(answer), flush=True)

def tick(name):
    """How often this was said, over all children."""
    file = home / name
    n = int(file.read_text()) + 1 if file.exists() else 1
    file.write_text(str(n))
    return n

if (home / "refuse").exists():
    say(event="refused", text="rows.csv: has changed")
    sys.exit()
if (home / "stumble").exists():
    sys.exit("ImportError: no module")
say(event="ready")
for line in sys.stdin:
    request = json.loads(line)
    spec, config = request["spec"], {key: request[key] for key in ("space", "values")}
    trial, dies = spec["trial_id"], spec["hyperparameters"]["dies"]
    asked = {"noted": ["dies"], **config}
    if request["do"] == "build":
        if dies == "build":
            os.kill(os.getpid(), signal.SIGSEGV)
        say(event="built", **asked)
        continue
    say(event="epochs", first_epoch=0, rows=[{"loss": "NaN"}], times=[1.0], execution=0)
    if dies == "always" or dies == "once" and tick("deaths") == 1:
        print("cannot allocate", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    say(event="epochs", first_epoch=1, rows=[{"loss": 0.5}], times=[2.0], execution=0)
    if dies == "raises":
        say(event="failed", trial_id=trial, time=3.0, reason="ValueError: no", traceback="...",
            history={"loss": ["NaN"]}, retry=True, **asked)
        continue
    points = np.load(home / "apart" / "probe.npy")
    np.save(home / "apart" / "outputs.npy", 2 * points)
    np.savez(home / "apart" / "weights.npz", array_0000=np.ones(3), build_config=np.array("null"))
    say(event="finished", trial_id=trial, time=3.0, history={"loss": ["NaN", 0.5]},
        metrics={"loss": 0.5}, best_epoch=1, stopped_by="epochs", stacked=False,
        has_weights=True, has_outputs=True, **asked)
'''
PROBE = np.arange(4, dtype=np.float32).reshape(2, 2)


@pytest.fixture
def apart(tmp_path: Path) -> Apart:
    (tmp_path / "child.py").write_text(CHILD)
    return Apart([sys.executable, str(tmp_path / "child.py")], tmp_path, PROBE)


def trial(dies: str, number: int = 0) -> tuple[TrialSpec, NotedHyperParameters]:
    hp = keras_tuner.HyperParameters()
    hp.Fixed("dies", dies)
    hp.Fixed("unused", 1)
    return TrialSpec(str(number), number, dict(hp.values), (0, number)), NotedHyperParameters.of(hp)


def told_of(apart: Apart, spec: TrialSpec, hp: NotedHyperParameters) -> list[Event]:
    told: list[Event] = []
    apart.train(spec, hp, told.append)
    assert isinstance(told[0], Started)
    return told[1:]


def losses(events: list[Event]) -> list[tuple[int, str]]:
    return [
        (event.first_epoch + place, str(row["loss"]))
        for event in events
        if isinstance(event, EpochBlock)
        for place, row in enumerate(event.rows)
    ]


@pytest.mark.parametrize("dies", ["never", "once"])
def test_a_trial_comes_to_its_end_and_tells_every_epoch_once(
    apart: Apart, tmp_path: Path, dies: str
) -> None:
    spec, hp = trial(dies)
    apart.build(spec, hp)
    assert hp.active_values() == {"dies": dies}
    *epochs, end = told_of(apart, spec, hp)
    assert losses(epochs) == [(0, "nan"), (1, "0.5")]
    assert isinstance(end, Finished)
    assert end.metrics == {"loss": 0.5}
    assert end.weights is not None
    np.testing.assert_array_equal(end.weights[0], np.ones(3))
    assert end.probe is not None
    np.testing.assert_array_equal(end.probe, 2 * PROBE)
    apart.close()
    assert not (tmp_path / "apart").exists()


def test_a_trial_that_kills_its_process_twice_has_failed(apart: Apart) -> None:
    *epochs, end = told_of(apart, *trial("always"))
    assert losses(epochs) == [(0, "nan")]
    assert isinstance(end, Failed)
    assert end.reason == "its process died twice (SIGKILL; out of memory?)"
    assert end.traceback == "cannot allocate"
    assert not end.retry
    *_, end = told_of(apart, *trial("never", 1))
    assert isinstance(end, Finished), "the next trial has a process of its own"
    apart.close()


def test_a_trial_that_kills_while_it_is_built_has_failed(apart: Apart) -> None:
    spec, hp = trial("build")
    apart.build(spec, hp)
    (end,) = told_of(apart, spec, hp)
    assert isinstance(end, Failed)
    assert end.reason == "its process died twice (SIGSEGV)"
    apart.close()


def test_an_error_of_the_trial_is_the_trials(apart: Apart) -> None:
    *_, end = told_of(apart, *trial("raises"))
    assert isinstance(end, Failed)
    assert (end.reason, end.retry) == ("ValueError: no", True)
    apart.close()


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("refuse", "rows.csv: has changed"),
        ("stumble", r"apart did not come up \(exit code 1\): ImportError: no module"),
    ],
)
def test_a_process_that_cannot_begin_fails_no_trial(
    apart: Apart, tmp_path: Path, file: str, line: str
) -> None:
    (tmp_path / file).touch()
    with pytest.raises(TrialstackError, match=line):
        apart.train(*trial("never"), lambda event: None)
    apart.close()
