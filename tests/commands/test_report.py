"""`trialstack report` and `trialstack compare --html`, on a small store."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from trialstack.cli import run
from trialstack.tracking.base import NewRun
from trialstack.tracking.mlflow import MlflowTracker
from trialstack.tracking.store import resolve_store


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A search with two trials, and nothing else."""
    store = resolve_store(f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db")
    params = {"objective": "val_auc", "direction": "max"}
    with MlflowTracker(store, "rings", "s") as tracker:
        tracker.start_run(NewRun("search", "search", "rings", 1.0, params=params))
        for key, score in (("trial/0", 0.5), ("trial/1", 0.75)):
            tags = {"trialstack.trial_id": key[-1]}
            new = NewRun(
                key, "trial", f"trial 00{key[-1]}", 2.0, "search", {"units": key[-1]}, tags
            )
            tracker.start_run(new)
            tracker.log_metrics(key, {"best_val_auc": score, "best_epoch": 0, "epochs_run": 1})
            tracker.end_run(key, "FINISHED", 3.0)
        tracker.end_run("search", "FINISHED", 4.0)
    return store.tracking_uri


def test_report_writes_a_file_and_prints_its_name(uri: str, in_tmp: Path, capsys) -> None:
    assert run(["report", "rings", "--tracking-uri", uri]) == 0
    out, err = capsys.readouterr()
    (file,) = in_tmp.iterdir()
    assert out == f"{file.name}\n"
    assert file.name.startswith("rings-")
    assert "MB" in err
    assert "The best val_auc is 0.7500, by trial 001." in file.read_text(encoding="utf-8")


def test_report_goes_where_it_is_told(uri: str, in_tmp: Path, capsys) -> None:
    assert run(["report", "rings", "-o", "out.html", "--tracking-uri", uri]) == 0
    assert capsys.readouterr().out == "out.html\n"
    assert run(["report", "rings", "-o", "-", "--tracking-uri", uri]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")
    assert [path.name for path in in_tmp.iterdir()] == ["out.html"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("report rigns", "'rigns' is not in"),
        ("report rings@ffffff0", "begins with 'ffffff0'"),
        ("report rings -o nowhere/out.html", "-o nowhere/out.html: No such file"),
        ("report rings -o .", "-o .: Is a directory"),
        ("report rings -o ''", "-o: '' came; give a file, or - for stdout"),
        ("compare rings --csv=", "--csv: '' came"),
        ("compare rings --html=", "--html: '' came"),
        ("compare rings --html nowhere/out.html", "--html nowhere/out.html: No such file"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    arguments: str, said: str, uri: str, in_tmp: Path, capsys
) -> None:
    assert run([*shlex.split(arguments), "--tracking-uri", uri]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert said in line


def test_compare_writes_the_page_beside_what_it_prints(uri: str, in_tmp: Path, capsys) -> None:
    html = ["--html", "out.html", "--tracking-uri", uri]
    assert run(["compare", "rings", "--json", *html]) == 0
    found = json.loads(capsys.readouterr().out)
    text = (in_tmp / "out.html").read_text(encoding="utf-8")
    assert "<h1>rings</h1>" in text
    ids = ",".join(one["run_id"] for one in found["runs"])
    assert run(["compare", "--runs", ids, *html]) == 0
    assert "0.7500" in capsys.readouterr().out
    assert "<h1>2 runs</h1>" in (in_tmp / "out.html").read_text(encoding="utf-8")
