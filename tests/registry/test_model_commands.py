"""`trialstack models`, `promote` and `predict`, as they are typed."""

from __future__ import annotations

import getpass
import json
import math
import subprocess
import sys

import pandas as pd
import pytest

from trialstack.cli import run
from trialstack.datasets import csv_file
from trialstack.registry.history import champion_history

# Tells what of TensorFlow the commands have imported.
WITHOUT_TENSORFLOW = """
import sys
from trialstack.cli import run
assert run(["models"]) == run(["models", "circles", "--json"]) == 0
assert run(["promote", "circles", "1"]) == 0
heavy = {"tensorflow", "keras", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.fixture
def trialstack(shelf, monkeypatch, tmp_path, capsys):
    """Runs a command in an empty folder; returns its exit code, stdout and stderr."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", shelf.uri)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def trialstack(*arguments):
        capsys.readouterr()
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return trialstack


def probability(x, y):
    return 1 / (1 + math.exp(-(x + 2 * y)))


def test_models(trialstack):
    code, out, err = trialstack("models")
    assert (code, err) == (0, "")
    assert all(len(line) <= 80 for line in out.splitlines())
    rows = [line.split() for line in out.splitlines() if " 0.7500 " in line]
    assert [row[:2] for row in rows] == [["2", "0.5000"], ["1", "champion"]]
    assert [row[-1] for row in rows] == ["s0.5", "s0.75"]


def test_models_of_one_name(trialstack):
    code, out, err = trialstack("models", "circles")
    assert (code, err) == (0, "")
    assert out.startswith("circles\n\nAbout circles.\n\nVersions\n")  # no Markdown
    assert "  version 1: the first version\n" in out
    never = out.partition("Never champion")[2]
    assert "  version 2: not comparable with models:/circles/1" in never


def test_models_as_json(trialstack, shelf):
    code, out, _ = trialstack("models", "--json")
    document = json.loads(out)
    assert (code, document["tracking_uri"]) == (0, shelf.uri)
    [model] = document["models"]
    assert (model["name"], model["champion"]) == ("circles", 1)
    assert model["versions"][1]["test"]["auc_ci"] == [0.65, 0.8]


def test_no_models(trialstack, store):
    code, out, _ = trialstack("models", "--tracking-uri", store.uri)
    assert code == 0
    assert out.startswith("No model is registered in sqlite:///")
    _, out, _ = trialstack("models", "--json", "--tracking-uri", store.uri)
    assert json.loads(out)["models"] == []


def test_promote(trialstack, store, add_version, sigmoid_model):
    for auc in (0.5, 0.75):
        add_version(store, "flowers", sigmoid_model, auc)
    there = ["--tracking-uri", store.uri]
    code, out, _ = trialstack("promote", "flowers", "2", "--why", "fewer\ncolumns", *there)
    assert (code, out) == (0, "flowers/2 is champion now instead of flowers/1: fewer columns\n")
    assert trialstack("promote", "flowers", "2", *there)[1] == "flowers/2 is champion already\n"
    assert trialstack("promote", "flowers", "1", *there)[0] == 0
    history = champion_history(store.client, "flowers")
    assert [(change.version, change.reason) for change in history] == [
        (1, "the first version"),
        (2, "fewer columns"),
        (1, "no reason was given"),
    ]
    assert (
        f"version 2 instead of 1, promoted by {getpass.getuser()}: fewer columns\n"
        in (trialstack("models", "flowers", *there)[1])
    )


def test_models_and_promote_need_no_tensorflow(shelf):
    subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW], cwd=shelf.folder, check=True, timeout=120
    )


def test_predict(trialstack, tmp_path):
    (tmp_path / "rows.csv").write_text("id,y,x\n007,0.5,1\n008,0.5,-3\n")
    code, out, _ = trialstack("predict", "circles", "rows.csv", "-o", "out.csv", "--keep", "id")
    assert (code, out) == (0, "2 rows scored by models:/circles/1: out.csv\n")
    found = pd.read_csv("out.csv", dtype={"id": str})
    assert list(found.columns) == ["id", "prediction", "probability_0", "probability_1"]
    assert found["id"].tolist() == ["007", "008"]
    assert found["prediction"].tolist() == [1, 0]
    expected = [probability(1, 0.5), probability(-3, 0.5)]
    assert found["probability_1"].tolist() == pytest.approx(expected, abs=1e-7)


def test_predict_writes_to_stdout(trialstack, tmp_path):
    (tmp_path / "rows.csv").write_text("x,y,x y\n1,0.5,a\n")
    code, out, err = trialstack("predict", "circles/2", "rows.csv", "--keep-all")
    assert (code, err) == (0, "")
    header, row = out.splitlines()
    assert header == "x,y,x y,prediction,probability_0,probability_1"
    assert row.startswith("1,0.5,a,1,0.1")


def test_many_rows_keep_their_order(trialstack, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_file, "BLOCK", 2000)
    rows = pd.DataFrame({"x": range(1000), "y": 0.0})
    rows.to_csv("rows.csv", index=False)
    rows.to_parquet("rows.parquet")
    for source, output in (("rows.csv", "a.parquet"), ("rows.parquet", "b.parquet")):
        assert trialstack("predict", "circles", source, "-o", output, "--keep", "x")[0] == 0
    a, b = pd.read_parquet("a.parquet"), pd.read_parquet("b.parquet")
    assert a["x"].tolist() == [str(x) for x in range(1000)]  # as the file has it
    assert b["x"].tolist() == list(range(1000))
    assert a["probability_1"].tolist() == pytest.approx(b["probability_1"].tolist(), abs=1e-7)


def test_a_table_without_rows_gives_one(trialstack, tmp_path):
    (tmp_path / "rows.csv").write_text("x,id,y\n")
    assert trialstack("predict", "circles", "rows.csv", "-o", "out.csv", "--keep", "id")[0] == 0
    assert (tmp_path / "out.csv").read_text() == "id,prediction,probability_0,probability_1\n"


REFUSALS = {
    "models cirlces": "did you mean 'circles'?",
    "models --tracking-uri sqlite:///nowhere.db": "nowhere.db: no such file, hence no models",
    "promote circles 7": "no version 7; there are: 1, 2",
    "promote circles two": "version 'two' came; give an integer from 1",
    "promote circles 2 --why=": "--why: '' came",
    "promote cirlces 2": "did you mean 'circles'?",
    "predict cirlces rows.csv": "did you mean 'circles'?",
    "predict circles@best rows.csv": "no version has the alias 'best'",
    "predict circles/3 rows.csv": "no version 3; there are: 1, 2",
    "predict circles/x rows.csv": "wanted is NAME, NAME@ALIAS or NAME/VERSION",
    "predict circles nowhere.csv": "nowhere.csv: no such file",
    "predict circles empty.csv": "empty.csv: the file is empty",
    "predict circles latin.csv": "latin.csv: not utf-8 at byte 10",
    "predict circles text.csv": "text.csv: column 'y', row 2: text 'many' stands",
    "predict circles gap.csv": "gap.csv: column 'y', row 2: missing",
    "predict circles nan.csv": "nan.csv: column 'y', row 2: missing",
    "predict circles short.csv": "short.csv: line 3, row 2: 1 cell came; the header names 2",
    "predict circles other.csv": "other.csv: missing column 'y'; is it ' Y'?",
    "predict circles semicolon.csv": "missing column 'x' (and 1 more); is ';' its --separator?",
    "predict circles rows.csv -o empty.csv": "-o empty.csv: there already",
    "predict circles rows.csv -o rows.csv --overwrite": "this is the file that is read",
    "predict circles rows.csv -o out.txt": "ends in none of .csv, .csv.gz, .parquet",
    "predict circles rows.csv --keep idd": "--keep: there is no column 'idd'; did you mean 'id'?",
    "predict circles rows.csv --keep id --keep id": "column 'id' came twice",
    "predict circles rows.csv --keep id --keep-all": "give one of them",
    "predict circles scored.csv --keep-all": "'prediction' has the name of a column of the result",
    "serve cirlces": "did you mean 'circles'?",
    "serve circles --host 0.0.0.0": "host '0.0.0.0': the model has no passwords",
}
FILES = {
    "rows.csv": "id,x,y\n1,1,1\n",
    "empty.csv": "",
    "latin.csv": "x,y\n1,1\n1,\xe9\n",
    "text.csv": "x,y\n1,1\n1,many\n",
    "gap.csv": "x,y\n1,1\n1,\n",
    "nan.csv": "x,y\n1,1\n1,NaN\n",
    "short.csv": "x,y\n1,1\n1\n",
    "other.csv": "x, Y\n1,1\n",
    "semicolon.csv": "x;y\n1;1\n",
    "scored.csv": "x,y,prediction\n1,1,1\n",
}


@pytest.mark.parametrize("line", REFUSALS)
def test_refusals(trialstack, tmp_path, line):
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="latin-1")
    before = sorted(tmp_path.iterdir())
    code, out, err = trialstack(*line.split())
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert REFUSALS[line] in err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("line", ["predict circles rows.csv -o out.csv", "serve circles"])
def test_a_changed_model_is_refused_in_one_line(trialstack, tmp_path, files, line):
    (tmp_path / "rows.csv").write_text("x,y\n1,1\n")
    with (files / "scorer.py").open("a") as source:
        source.write("\nraise SystemExit('executed')\n")
    code, out, err = trialstack(*line.split())
    assert (code, out) == (1, "")
    assert err.startswith("error: model circles/1: digest mismatch, its files are not those that ")
    assert err.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()


def test_what_went_wrong_halfway_leaves_nothing(trialstack, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_file, "BLOCK", 1000)
    (tmp_path / "rows.csv").write_text("x,y\n" + "1,1\n" * 1000 + "1,many\n")
    (tmp_path / "out.csv").write_text("precious")
    code, _, err = trialstack("predict", "circles", "rows.csv", "-o", "out.csv", "--overwrite")
    assert code == 2
    assert "rows.csv: column 'y', row 1001: text 'many' stands" in err
    assert (tmp_path / "out.csv").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 2
