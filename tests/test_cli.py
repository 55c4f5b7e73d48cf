from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import trialstack
from trialstack.errors import Interrupted
from trialstack.experiment import Experiment

ROOT = Path(__file__).parents[1]
CIRCLES = ROOT / "experiments" / "circles_search.toml"
HEAVY = ("keras", "keras_tuner", "matplotlib", "mlflow", "pandas", "sklearn", "tensorflow")
COMMANDS = ("new", "tune", "ui")
TO_COME = ("compare", "describe", "models", "predict", "promote", "report", "serve", "sweep-lr")
TO_COME += ("sync", "train")

# command line -> what its error line must say
REFUSALS: dict[str, tuple[str, ...]] = {
    "frobnicate": ("'frobnicate' is unknown", "new, tune, ui"),
    **{f"{name} breast-cancer": (f"'{name}' is not there yet", "tune, ui") for name in TO_COME},
    "--frob": ("No such option '--frob'", "trialstack --help"),
    "tune": ("no experiment file came", "trialstack new NAME"),
    "tune nowhere.toml": ("nowhere.toml", "no such file"),
    "tune .": ("a folder came",),
    "tune broken.toml": ("broken.toml", "line 2"),
    "tune a.toml b.toml": ("unexpected extra argument (b.toml)", "trialstack tune --help"),
    "tune --data rows.csv --target y": ("--data is not there yet", "trialstack new NAME"),
    "tune --data a.csv --target y --separator ;": ("--data is not there yet", "new NAME"),
    "tune circles.toml --name mine": ("--name is not there yet", "trialstack new NAME"),
    "tune --encoding latin-1 circles.toml": ("--encoding is not there yet",),
    "tune --frob": ("No such option '--frob'", "trialstack tune --help"),
    "tune circles.toml --trials many": ("search.max_trials", "'many' came", "integer"),
    "tune circles.toml --trials 0": ("search.max_trials", "0 came", "integer from 1"),
    "tune circles.toml --epochs -3": ("search.epochs", "-3 came"),
    "tune circles.toml --seed -1": ("search.seed", "-1 came"),
    "tune circles.toml --algorithm grid": ("search.algorithm", "'grid'", "random"),
    "tune circles.toml --algorithm annealing": ("search.algorithm", "'annealing'", "random"),
    "tune circles.toml --executor ray": ("search.executor", "'ray'", "one-by-one"),
    "tune circles.toml --set search": ("--set 'search'", "key=value"),
    "tune circles.toml --set search.patience=-1": ("search.patience", "-1 came", "integer from 1"),
    "tune circles.toml --set search.pateince=5": ("search.pateince", "did you mean 'patience'"),
    "tune circles.toml --set dataset.test_size=2": ("dataset.test_size", "2 came"),
    "tune circles.toml --set dataset.source=iirs": ("dataset.source", "'iirs'", "iris"),
    "tune circles.toml --set search.objective=val_f1": ("search.objective", "'val_f1'", "val_auc"),
    "tune circles.toml --set a.b.c=1": ("command line: key 'a': no such key",),
    "tune circles.toml --set hypermodel={type='cnn'}": (
        "command line: key 'hypermodel.type': 'cnn'",
    ),
    "tune circles.toml --set dataset.params.factor=1.5": (
        "command line: key 'dataset.params.factor': 1.5 came",
        "a number from 0 to below 1",
    ),
    "tune circles.toml --set dataset.params.n_samples=4000000000": (
        "command line: key 'dataset.params.n_samples': 4000000000 came",
        "an integer from 1 to 10000000",
    ),
    "tune circles.toml --set hypermodel={type='nowhere:Net'}": (
        "command line: key 'hypermodel.type': 'nowhere:Net'",
        "no module 'nowhere'",
    ),
    "tune circles.toml --set hypermodel={type='os:PathLike'}": (
        "command line: key 'hypermodel.type': 'os:PathLike'",
        "Python's own",
    ),
    "tune circles.toml --set hypermodel.units=[[9,3]]": ("hypermodel.units",),
    "tune circles.toml --time-limit soon": ("--time-limit", "'soon' came", "10m"),
    "tune circles.toml --tracking-uri=": ("--tracking-uri", "'' came", "sqlite:///"),
    "tune circles.toml --tracking-uri http://127.0.0.1:1": ("http://127.0.0.1:1 does not answer",),
    "tune circles.toml --tracking-uri sqlite:///circles.toml": ("circles.toml", "not a database"),
    "tune circles.toml --tracking-uri sqlite:///circles.toml/x.db": (
        "circles.toml/searches",
        "Not a directory",
    ),
    "tune circles.toml --extend few": ("--extend", "'few'"),
    "tune circles.toml --extend 0": ("--extend", "0 came", "integer from 1"),
    "tune circles.toml --extend 2 --fresh": ("--extend", "--fresh", "one of them"),
    "new": ("Missing argument 'NAME'", "trialstack new --help"),
    "new a/b": ("'a/b' came", "letters, digits"),
    'new a"b': ("allowed", "letters, digits"),
    "new there": ("there.toml is there already", "another name"),
    "ui --port 99999": ("--port", "99999", "65535"),
    "ui --host 0.0.0.0": ("'0.0.0.0'", "127.0.0.1"),
    "ui --tracking-uri file:mlruns": ("'file:mlruns'", "sqlite:///"),
    "ui --tracking-uri sqlite://": ("'sqlite://'", "sqlite:///PATH"),
    "ui --tracking-uri=": ("--tracking-uri", "'' came", "sqlite:///"),
    "ui --tracking-uri http://127.0.0.1:1": ("http://127.0.0.1:1 does not answer",),
    "ui --tracking-uri sqlite:///circles.toml": ("circles.toml", "not a database"),
}

# Runs the command lines that come as JSON on its standard input, one after the other, and tells
# what each came to and which modules are imported by then.
RUN_ALL = """
import contextlib, io, json, sys
from trialstack.cli import run

answers = []
for arguments in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    answers.append({"code": code, "out": out.getvalue(), "err": err.getvalue()})
    answers[-1]["modules"] = [name for name in %r if name in sys.modules]
json.dump(answers, sys.stdout)
"""


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str
    modules: list[str]


def run_all(lines: list[list[str]], folder: Path) -> list[Answer]:
    """One process for many command lines: each would take a second of its own to start."""
    process = subprocess.run(
        [sys.executable, "-c", RUN_ALL % (HEAVY,)],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(),
        check=True,
    )
    return [Answer(**answer) for answer in json.loads(process.stdout)]


def run_alone(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trialstack", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(),
        check=False,
    )


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    folder = tmp_path_factory.mktemp("refused")
    (folder / "broken.toml").write_text('name = "broken"\nseed = = 3\n')
    (folder / "there.toml").write_text("")
    shutil.copy(CIRCLES, folder / "circles.toml")
    before = sorted(folder.iterdir())
    lines = list(REFUSALS)
    answers = dict(zip(lines, run_all([line.split() for line in lines], folder), strict=True))
    assert sorted(folder.iterdir()) == before
    return answers


@pytest.mark.parametrize("line", REFUSALS)
def test_refusal_is_one_line_with_code_2(refused: dict[str, Answer], line: str) -> None:
    answer = refused[line]
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert answer.err.endswith("\n")
    for part in REFUSALS[line]:
        assert part in answer.err
    assert answer.modules == []


def test_refusal_of_a_process_of_its_own(tmp_path: Path) -> None:
    done = run_alone("tune", str(CIRCLES), "--set", "search.patience=-1", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: command line: key 'search.patience': -1 came; allowed: an integer from 1\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_where_an_error_was_raised(tmp_path: Path) -> None:
    done = run_alone("tune", "nowhere.toml", "--debug", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: nowhere.toml: no such file")
    assert "Traceback (most recent call last)" in done.stderr


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    lines = ["", "--help", "-h", "--version", *(f"{name} --help" for name in COMMANDS)]
    folder = tmp_path_factory.mktemp("answered")
    answers = run_all([line.split() for line in lines], folder)
    return dict(zip(lines, answers, strict=True))


def test_help_names_the_commands_and_imports_nothing_heavy(answered: dict[str, Answer]) -> None:
    answer = answered["--help"]
    assert (answer.code, answer.err, answer.modules) == (0, "", [])
    for name in COMMANDS:
        assert f"\n  {name} " in answer.out
    assert not any(f"\n  {name} " in answer.out for name in TO_COME)
    assert answered["-h"].out == answer.out
    assert answered[""].out == answer.out


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("tune", ["EXPERIMENT.toml", "--trials", "--set", "--fresh", "--extend", "--json"]),
        ("new", ["NAME"]),
        ("ui", ["--port", "--tracking-uri"]),
    ],
)
def test_help_of_a_command(answered: dict[str, Answer], name: str, options: list[str]) -> None:
    answer = answered[f"{name} --help"]
    assert (answer.code, answer.err, answer.modules) == (0, "", [])
    assert f"Usage: trialstack {name}" in answer.out
    for option in options:
        assert option in answer.out


def test_version(answered: dict[str, Answer]) -> None:
    answer = answered["--version"]
    assert (answer.code, answer.err, answer.modules) == (0, "", [])
    assert answer.out == f"trialstack, version {trialstack.__version__}\n"


def test_new_writes_an_experiment_that_can_be_read(tmp_path: Path) -> None:
    done = run_alone("new", "my-first.search", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "my-first.search.toml is written. Edit it, then: trialstack tune my-first.search.toml\n"
    )
    path = tmp_path / "my-first.search.toml"
    experiment = Experiment.load(path)
    assert experiment.name == "my-first.search"
    assert experiment.baseline is not None
    tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(tables) == {"name", "description", "dataset", "hypermodel", "baseline", "search"}


def test_new_leaves_a_file_that_is_there_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("precious")
    done = run_alone("new", "mine", folder=tmp_path)
    assert done.returncode == 2
    assert (tmp_path / "mine.toml").read_text() == "precious"


@pytest.mark.parametrize(
    ("raised", "exit_code"),
    [
        (KeyboardInterrupt(), 130),
        (Interrupted(signal.SIGINT), 130),
        (Interrupted(signal.SIGTERM), 143),
    ],
)
def test_signals_end_with_their_exit_code_and_no_word_more(
    raised: BaseException,
    exit_code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from trialstack import cli

    def interrupt(*_arguments: Any, **_options: Any) -> None:
        raise raised

    monkeypatch.setattr(cli.cli, "invoke", interrupt)
    assert cli.run(["tune"]) == exit_code
    assert capsys.readouterr() == ("", "")


def test_what_nobody_expected_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trialstack import cli

    def fail(*_arguments: Any, **_options: Any) -> None:
        raise ZeroDivisionError("on\ntwo lines")

    monkeypatch.setattr(cli.cli, "invoke", fail)
    assert cli.run(["tune"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "error: ZeroDivisionError: on two lines (the whole traceback: --debug)\n"
    )
