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
COMMANDS = ("compare", "models", "new", "predict", "promote", "serve", "sweep-lr", "train")
COMMANDS += ("tune", "ui", "report", "sync", "server")

# command line -> what its error line must say
REFUSALS: dict[str, tuple[str, ...]] = {
    "frobnicate": ("'frobnicate' is unknown", "sweep-lr, sync, t"),
    "--frob": ("No such option '--frob'", "trialstack --help"),
    "tune": ("no experiment file came", "trialstack new NAME"),
    "tune nowhere.toml": ("nowhere.toml", "no such file"),
    "tune .": ("a folder came",),
    "tune broken.toml": ("broken.toml", "line 2"),
    "tune a.toml b.toml": ("unexpected extra argument (b.toml)", "trialstack tune --help"),
    "tune --data rows.csv --target z": ("rows.csv: column 'z', which target names", "'x', 'y'"),
    "tune --data rows.csv": ("--target is missing", "--target y"),
    "tune --data nowhere.csv --target y": ("nowhere.csv: no such file",),
    "tune --data broken.csv --target y": ("broken.csv: not utf-8 at byte 2", "--encoding"),
    "tune --data rows.csv --target y --separator ;;": ("separator ';;' came", "one character"),
    "tune --data rows.csv --target y --encoding klingon": ("'klingon' came", "latin-1"),
    "tune --data rows.csv --target y --save there.toml": ("there.toml: there already",),
    "tune --data rows.csv --target y --save new.txt": ("new.txt", "end in .toml"),
    "tune circles.toml --data rows.csv": ("circles.toml and --data rows.csv", "one of them"),
    "tune circles.toml --name mine": ("--name goes with --data",),
    "tune circles.toml --drop x": ("--drop goes with --data", "drop = ..."),
    "tune circles.toml --save new.toml": ("--save new.toml goes with --data",),
    "describe": ("no experiment file came", "trialstack describe --data"),
    "describe nowhere.toml": ("nowhere.toml: no such file",),
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
    "tune circles.toml --set hypermodel={type='own:Onw'}": (
        "command line: key 'hypermodel.type': 'own:Onw'",
        "module 'own' has no 'Onw'; its hypermodels are: Own",
    ),
    "tune circles.toml --set hypermodel={type='own:Net'}": (
        "command line: key 'hypermodel.type': 'own:Net'",
        "'Net' is not a class derived from keras_tuner.HyperModel",
    ),
    "tune circles.toml --set hypermodel={type='own:Own',params={widht=3}}": (
        "command line: key 'hypermodel.params': 'own:Own' takes no 'widht'",
    ),
    "sweep-lr": ("Missing argument 'EXPERIMENT.toml'", "trialstack sweep-lr --help"),
    "sweep-lr nowhere.toml": ("nowhere.toml", "no such file"),
    "sweep-lr circles.toml --from 0": ("--from: 0 came", "from 1e-12 to 1e+06"),
    "sweep-lr circles.toml --from slow": ("'--from': 'slow' is not a valid float",),
    "sweep-lr circles.toml --from 0.1 --to 0.5": ("--to: 0.5 came", "at least 1, ten times --from"),
    "sweep-lr circles.toml --epochs 9": ("--epochs: 9 came", "an integer from 10"),
    "sweep-lr circles.toml --seeds 0": ("--seeds: 0 came", "an integer from 1"),
    "sweep-lr circles.toml --model model_1": ("--model model_1: circles.toml", "leave it out"),
    "sweep-lr circles.toml --set search.seed=-1": ("search.seed", "-1 came"),
    "sweep-lr circles.toml --set hypermodel={type='own:Onw'}": ("module 'own' has no 'Onw'",),
    "sweep-lr ladder.toml --model model_9": ("--model model_9: ladder.toml", "model_01, model_02"),
    "tune ladder.toml": ("ladder.toml: key 'model'", "run: trialstack train ladder.toml"),
    "train": ("Missing argument 'EXPERIMENT.toml'", "trialstack train --help"),
    "train nowhere.toml": ("nowhere.toml", "no such file"),
    "train circles.toml": ("key 'hypermodel'", "run: trialstack tune circles.toml"),
    "train ladder.toml --only model_9": ("--only model_9: ladder.toml", "model_01, model_02"),
    "train ladder.toml --seeds few": ("command line: key 'seeds': 'few' came", "integer from 0"),
    "train ladder.toml --seed -1": ("command line: key 'seed': -1 came",),
    "train ladder.toml --set model=[]": ("command line: key 'model': [] came", "at least one"),
    "train ladder.toml --set model[1].unitz=[3]": ("'model[1].unitz'", "did you mean 'units'"),
    "train ladder.toml --set model[3].units=[3]": ("--set model[3].units", "has 2 tables"),
    "train ladder.toml --tracking-uri=": ("--tracking-uri", "'' came", "sqlite:///"),
    "train ladder.toml --tracking-uri http://127.0.0.1:1": ("127.0.0.1:1 does not answer",),
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
    "compare": ("no experiment came", "--runs ID,ID"),
    "compare rings": ("mlruns/mlflow.db: no such file", "trialstack tune"),
    "compare rings --tracking-uri sqlite:///circles.toml": ("circles.toml", "not a database"),
    "compare rings --tracking-uri http://127.0.0.1:1": ("http://127.0.0.1:1 does not answer",),
    "compare rings --top 0": ("'--top'", "x>=1", "trialstack compare --help"),
    "compare rings --json --html -": ("--json and --html", "one of them"),
    "report": ("Missing argument 'NAME[@SEARCH_RUN_ID]'",),
    "report rings": ("mlruns/mlflow.db: no such file", "trialstack tune"),
    "compare rings --json --csv": ("--json and --csv", "one of them"),
    "compare --csv rings": ("no experiment came", "--csv took 'rings'"),
    "compare --runs abc": ("--runs: 'abc' came", "--runs ID,ID"),
    "sync rings": ("experiment 'rings' has no search in", "mlruns/searches; there is: none"),
    "sync --tracking-uri http://127.0.0.1:1": ("server http://127.0.0.1:1 does not answer",),
    "sync rings --tracking-uri http://127.0.0.1:1": ("http://127.0.0.1:1 does not answer",),
    "sync rings moons": ("unexpected extra argument (moons)", "trialstack sync --help"),
    "sync --tracking-uri=": ("--tracking-uri", "'' came", "sqlite:///"),
    "models": ("mlruns/mlflow.db: no such file", "trialstack tune"),
    "models --tracking-uri sqlite:///circles.toml": ("circles.toml", "not a database"),
    "promote rings": ("Missing argument 'VERSION'", "trialstack promote --help"),
    "promote rings two": ("version 'two' came", "an integer from 1"),
    "predict rings": ("Missing argument 'ROWS.csv'",),
    "predict rings/two rows.csv": ("'rings/two'", "NAME@ALIAS or NAME/VERSION"),
    "predict rings nowhere.csv": ("nowhere.csv: no such file",),
    "predict rings circles.toml": ("circles.toml", ".csv, .csv.gz, .parquet"),
    "predict rings broken.csv": ("broken.csv: not utf-8 at byte 2", "--encoding"),
    "predict rings rows.csv": ("mlruns/mlflow.db: no such file", "--tracking-uri"),
    "predict rings rows.csv -o rows.csv": ("rows.csv", "the file that is read"),
    "server": ("no database came", "TRIALSTACK_DATABASE"),
    "server --database sqlite:///x.db": ("'sqlite:///x.db'", "postgresql://"),
    "server --database postgresql://a:b@127.0.0.1/x": ("everyone on this machine", "~/.pgpass"),
    "server --database postgresql://a@127.0.0.1/x --port 0": ("--port", "65535"),
    "serve": ("Missing argument", "trialstack serve --help"),
    "serve rings": ("mlruns/mlflow.db: no such file", "trialstack tune"),
    "serve rings --host 192.168.0.1": ("'192.168.0.1'", "127.0.0.1"),
    "serve rings --port 0": ("--port", "65535"),
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

LADDER = """
name = "ladder"
dataset = { source = "circles" }
model = [{ units = [], epochs = 5 }, { units = [4], epochs = 5 }]
"""

OWN = """
import keras
import keras_tuner

class Own(keras_tuner.HyperModel):
    def __init__(self, width=3):
        super().__init__()

class Net(keras.Model):
    pass
"""

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
    (folder / "rows.csv").write_text("x,y\n1,1\n")
    (folder / "broken.csv").write_bytes(b"x,\xff\n")
    (folder / "own.py").write_text(OWN)
    (folder / "ladder.toml").write_text(LADDER)
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
    assert answered["-h"].out == answer.out
    assert answered[""].out == answer.out


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("tune", ["EXPERIMENT.toml", "--trials", "--set", "--fresh", "--extend", "--json"]),
        ("compare", ["NAME[@SEARCH_RUN_ID]", "--top", "--runs", "--json", "--csv", "differing"]),
        ("models", ["[NAME]", "--json"]),
        ("sync", ["[NAME]", "--tracking-uri"]),
        ("promote", ["NAME VERSION", "--why"]),
        ("predict", ["NAME[@ALIAS|/VERSION] ROWS.csv", "--output", "--keep", "--keep-all"]),
        ("serve", ["NAME[@ALIAS|/VERSION]", "--port", "--host"]),
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
