"""`trialstack describe`, in this process: nothing is trained, so it is quick."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from trialstack.cli import run

TEXT = "id,age,city,when,y\n" + "".join(
    f"{row},{'' if row % 9 == 0 else row * 1.7},{'Rome' if row % 3 else 'Oslo'},"
    f"2025-01-{1 + row % 28:02d},{'yes' if row % 5 < 2 else 'no'}\n"
    for row in range(40)
)


@pytest.fixture(autouse=True)
def _rows(in_tmp: Path) -> None:
    Path("rows.csv").write_text(TEXT)


def described(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict[str, Any], str]:
    assert run(["describe", *arguments, "--json"]) == 0
    answer = capsys.readouterr()
    return json.loads(answer.out), answer.err


def test_every_column_and_class_and_part(capsys: pytest.CaptureFixture[str]) -> None:
    found, err = described(capsys, "--data", "rows.csv", "--target", "y", "--time", "when")
    warning = "rows.csv: column 'id': it numbers the rows; it is dropped"
    assert found["warnings"][0] == warning
    assert err.splitlines() == [f"warning: {text}" for text in found["warnings"]]
    assert [list(column.values()) for column in found["columns"]] == [
        ["id", "dropped", 0, 40, 0, "it numbers the rows"],
        ["age", "number", 5, 35, 2, "gaps: median, and a flag"],
        ["city", "category", 0, 2, 3, "one-hot"],
        ["when", "time", 0, 0, 0, "orders the rows"],
    ]
    assert found["classes"] == [{"label": "no", "rows": 24}, {"label": "yes", "rows": 16}]
    assert found["split"] == {"fit": 22, "validation": 8, "test": 10}
    assert (found["rows"], found["target"], len(found["digest"])) == (40, "y", 64)
    least, most = found["seconds"]
    assert 10 < least < most < 600


def test_a_person_sees_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["describe", "--data", "rows.csv", "--target", "y", "--drop", "when"]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert "rows.csv: 40 rows, 5 features, target 'y'" in out
    assert ["age", "number", "5", "35", "2", "gaps:"] in [line.split()[:6] for line in lines]
    assert ["when", "dropped", "named", "in", "drop"] in [line.split() for line in lines]
    assert "yes      16  40.0%" in out
    assert "Rows: 22 to fit, 8 to judge trials by, 10 sealed for the test" in out
    assert "A search is likely to take " in out
    assert max(map(len, lines)) <= 80


def test_experiment_files_of_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    search = 'name = "a"\n[dataset]\nsource = "iris"\n[hypermodel]\nunits = [[2, 8]]\n'
    Path("search.toml").write_text(search)
    Path("ladder.toml").write_text(
        'name = "a"\n[dataset]\nsource = "iris"\n[[model]]\nunits = [2]\nepochs = 3\n'
    )
    found, _ = described(capsys, "search.toml", "--set", "dataset.test_size=0.5")
    assert found["split"]["test"] == 75
    assert [column["distinct"] for column in found["columns"]] == [35, 23, 43, 22]
    assert described(capsys, "ladder.toml")[0]["seconds"] is None


def test_what_is_wrong_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["describe", "--data", "rows.csv", "--target", "y"]) == 2
    line = "error: rows.csv: column 'when', row 1: a date came ('2025-01-01'); put numbers in"
    answer = capsys.readouterr()
    assert answer.err.startswith(line)
    assert answer.err.count("\n") == 1
    assert answer.out == ""


def test_nothing_is_written_or_imported() -> None:
    import subprocess

    code = (
        "import sys; from trialstack.cli import run; "
        "assert run(['describe', '--data', 'rows.csv', '--target', 'y', '--drop', 'when']) == 0; "
        "assert not {'tensorflow', 'keras', 'keras_tuner', 'mlflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert [path.name for path in Path().iterdir()] == ["rows.csv"]
