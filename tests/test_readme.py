"""Every command and every piece of code in README.md, run as it stands there.

Searches have fewer trials and epochs. All of them run in one process, because TensorFlow takes
seconds to import.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trialstack.experiment import Experiment

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
FEWER = ["--trials", "1", "--epochs", "1", "--set", "baseline.epochs=1"]
ONE_MODEL = ["--only", "model_7", "--seeds", "0", "--set", "model[7].epochs=1"]
FEWER_IN_PYTHON = {"max_trials=20": "max_trials=2", "epochs=50": "epochs=1"}
NOT_RUN_HERE = {"make lint", "make test"}  # this is `make test`
OF_MAKE = {"ARGS", "EXPERIMENT", "NAME", "TRIALS"}
OF_MAKE |= {"MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL"}
SERVERS = {"serve", "ui"}  # they run until Ctrl-C
OF_MODELS = {"models": "champion", "promote": "breast-cancer/1", "predict": "569 rows scored"}
"""Commands on registered models -> what they say of breast-cancer."""
COMMANDS = {"compare", "describe", "new", "report", "sweep-lr", "sync", "train", "tune"}
COMMANDS |= {*SERVERS, *OF_MODELS}
ACTIVATE = ". .venv/bin/activate"

# Runs steps, [kind, what], one after the other, and writes what each came to: a line of JSON.
WORKER = """
import contextlib, io, json, sys, traceback
from trialstack.cli import run

names = {"__name__": "__main__"}
with open(sys.argv[1], "w") as answers:
    for kind, what in json.load(sys.stdin):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = run(what) if kind == "command" else exec(what, names)
            except BaseException:
                traceback.print_exc()
                code = 1
        answer = {"code": code or 0, "out": out.getvalue(), "err": err.getvalue()}
        print(json.dumps(answer), file=answers, flush=True)
"""


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


def lines_of(block: str) -> list[str]:
    """The commands of a block, without their comments."""
    return [shlex.join(shlex.split(line, comments=True)) for line in block.splitlines()]


def shell_lines() -> list[str]:
    """Every command of the README."""
    return [line for block in blocks("bash") for line in lines_of(block)]


def made(line: str) -> list[str]:
    """What a `make` command would run."""
    # -o: as if everything was installed already
    command = ["make", "--dry-run", "--no-print-directory", "-o", ".venv/.installed"]
    # What the make that runs these tests was told is not for this one.
    own = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    done = subprocess.run(
        [*command, *shlex.split(line)[1:]],
        cwd=ROOT,
        env=own,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def as_trialstack(line: str) -> list[str] | None:
    """The arguments of trialstack that a line comes to; None if it comes to something else."""
    if line.startswith("make "):
        line = made(line)[0]
    program, *arguments = shlex.split(line)
    return arguments if Path(program).name == "trialstack" else None


def reduced(arguments: list[str]) -> list[str]:
    """A command that does the same in less time: of options given twice the last one counts."""
    if arguments[0] == "sweep-lr":
        return [*arguments, "--epochs", "10"]
    if arguments[0] == "train":
        return [*arguments[:2], *ONE_MODEL]
    if arguments[0] != "tune":
        return arguments
    return [*arguments, *FEWER, *(["--extend", "1"] if "--extend" in arguments else [])]


def reduced_python(source: str) -> str:
    for long, short in FEWER_IN_PYTHON.items():
        source = source.replace(long, short)
    return source


def _without_trials(arguments: list[str]) -> list[str]:
    if "--trials" not in arguments:
        return arguments
    at = arguments.index("--trials")
    return arguments[:at] + arguments[at + 2 :]


@functools.cache
def steps() -> list[tuple[str, Any]]:
    """What the README does, in its order, each command once."""
    found: list[tuple[str, Any]] = []
    for language, text in BLOCKS:
        if language == "python":
            found.append(("python", reduced_python(text)))
        if language != "bash":
            continue
        for line in lines_of(text):
            arguments = as_trialstack(line) if line != ACTIVATE else None
            if arguments is None or arguments[0] in SERVERS:
                continue
            if arguments[0] == "tune":
                arguments = _without_trials(arguments)
            step = ("command", reduced(arguments))
            if step not in found:
                found.append(step)
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "experiments", folder / "experiments")
    return folder


@pytest.fixture(scope="module")
def answers(place: Path) -> list[Answer]:
    file = place / "answers.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", WORKER, file.name],
        input=json.dumps(steps()),
        cwd=place,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Answer(**json.loads(line)) for line in file.read_text().splitlines()]


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}


def test_there_is_something_to_run() -> None:
    kinds = [kind for kind, _ in steps()]
    assert kinds.count("command") >= 5
    assert kinds.count("python") >= 4
    assert README.count("```") == 2 * len(BLOCKS)
    assert {language for language, _ in BLOCKS} <= {"bash", "python", "toml"}


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(n, id=shlex.join(what) if kind == "command" else f"python-{n}")
        for n, (kind, what) in enumerate(steps())
    ],
)
@pytest.mark.slow
def test_step(answers: list[Answer], number: int, place: Path) -> None:
    kind, what = steps()[number]
    answer = answers[number]
    assert answer.code == 0, answer.err
    if kind == "python":
        return
    if what[0] == "new":
        assert (place / f"{what[1]}.toml").is_file()
    elif what[0] in OF_MODELS:
        assert OF_MODELS[what[0]] in answer.out
    elif what[0] == "train":
        assert "sigmoid output" in answer.out
    elif what[0] == "describe":
        assert "sealed for the test" in answer.out
    elif what[0] == "compare":
        assert "baseline" in answer.out
    elif what[0] == "report":
        assert (
            (place / answer.out.strip()).read_text(encoding="utf-8").startswith("<!doctype html>")
        )
    elif what[0] == "sweep-lr":
        assert answer.out.startswith("Suggested learning rate")
    elif "--json" in what:
        result = json.loads(answer.out)
        assert (result["trials"]["completed"], result["trials"]["resumed"]) == (2, 1)
        assert result["model"]["name"] == "breast-cancer"
    else:
        assert "Registered models:/" in answer.out


@pytest.mark.slow
def test_loaded_model_answers_with_a_table(answers: list[Answer]) -> None:
    loading = [
        answer for (kind, _), answer in zip(steps(), answers, strict=True) if kind != "command"
    ]
    of_frame, of_array = loading[:2]
    assert "prediction  probability_0  probability_1" in of_frame.out
    assert of_array.out == of_frame.out


@pytest.mark.parametrize("line", sorted(set(shell_lines())))
def test_every_line_is_accounted_for(line: str) -> None:
    if line == ACTIVATE:
        assert re.search(r"^VENV +:= \.venv$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif line == "make help":
        helped = subprocess.run(
            ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert "make tune" in helped.stdout
    elif line in NOT_RUN_HERE:
        assert made(line)
    else:
        arguments = as_trialstack(line)
        assert arguments is not None
        assert arguments[0] in COMMANDS


def test_make_passes_its_variables_on() -> None:
    assert as_trialstack("make tune") == ["tune", "experiments/breast_cancer.toml"]
    assert as_trialstack("make tune TRIALS=5 EXPERIMENT=x.toml ARGS='--fresh --seed 1'") == (
        ["tune", "x.toml", "--trials", "5", "--fresh", "--seed", "1"]
    )
    assert as_trialstack("make compare NAME=x ARGS=--json") == ["compare", "x", "--json"]
    assert as_trialstack("make ui") == ["ui"]


@pytest.mark.slow
def test_ui_is_served_until_ctrl_c(answers: list[Answer], place: Path) -> None:
    """After the searches, so that there is something to look at."""
    assert {"make ui", "trialstack ui"} <= set(shell_lines())
    command = [sys.executable, "-m", "trialstack", "ui", "--port", str(free_port())]
    with subprocess.Popen(
        command, cwd=place, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:")
            assert "workflowType=machine_learning" in address
            with urllib.request.urlopen(address.partition("#")[0], timeout=30) as page:
                assert b"MLflow" in page.read()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("text", blocks("toml"))
def test_experiment_file_is_one(text: str) -> None:
    experiment = Experiment.from_dict(tomllib.loads(text))
    assert experiment.baseline is not None
    assert experiment.search.max_trials == 20


def test_targets_and_commands_in_the_text_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", README)) - {"and"} <= targets
    assert set(re.findall(r"`trialstack (\w+)", README)) <= COMMANDS


def test_files_that_it_links_to_exist() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(links) >= 4
    for link in links:
        assert (ROOT / link).exists(), link
