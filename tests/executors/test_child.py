from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trialstack.executors.child import Child, ChildDiedError

ECHO = """
import json, os, sys
for line in sys.stdin:
    request = json.loads(line)
    if request.get("kill"):
        print("no memory is left", file=sys.stderr, flush=True)
        os.kill(os.getpid(), request["kill"])
    if "exit" in request:
        sys.stdout.write('{"half"')
        sys.stdout.flush()
        os._exit(request["exit"])
    print(json.dumps({"pid": os.getpid(), **request}), flush=True)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "apart" / "log"


def child(log: Path) -> Child:
    return Child([sys.executable, "-c", ECHO], log)


def test_it_answers_until_it_is_closed(log: Path) -> None:
    with child(log) as process:
        first = next(process.answers({"n": 1}))
        assert first["n"] == 1
        assert next(process.answers({"n": 2}))["pid"] == first["pid"]
    with pytest.raises(ProcessLookupError):
        os.kill(first["pid"], 0)


@pytest.mark.parametrize(
    ("request_", "manner", "said"),
    [
        ({"kill": 9}, "SIGKILL; out of memory?", "no memory is left"),
        ({"kill": 11}, "SIGSEGV", "no memory is left"),
        ({"exit": 3}, "exit code 3", ""),  # in the middle of an answer
    ],
)
def test_a_death_tells_how(log: Path, request_: dict[str, int], manner: str, said: str) -> None:
    with child(log) as process:
        with pytest.raises(ChildDiedError) as caught:
            next(process.answers(request_))
        assert (str(caught.value), caught.value.log) == (manner, said)
        with pytest.raises(ChildDiedError):
            next(process.answers({"n": 1}))


STARTER = """
import os, pathlib, sys
from trialstack.executors.child import Child
child = Child([sys.executable, "-c", sys.argv[1]], pathlib.Path("log"))
pathlib.Path("pid").write_text(str(next(child.answers({}))["pid"]))
os.kill(os.getpid(), 9)
"""


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Also where that one is killed: the pipe to it is then closed."""
    ended = subprocess.run([sys.executable, "-c", STARTER, ECHO], cwd=tmp_path, check=False)
    assert ended.returncode == -9
    pid = int((tmp_path / "pid").read_text())
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError("it goes on alone")
