from __future__ import annotations

import io
import json
import math
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trialstack.tracking import tags
from trialstack.tracking.entities import cut, entity_name, table_json
from trialstack.tracking.pictures import picture_files, picture_path


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("val_auc", "val_auc"),
        ("f1 (macro)", "f1 _macro_"),
        ("train/loss", "train/loss"),
        ("../loss", "loss"),
        ("a//b/", "a/b"),
        ("", "_"),
        ("/", "_"),
        ("fläche", "fläche"),
        ("x" * 300, "x" * 250),
    ],
)
def test_names(name: str, taken: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    assert entity_name(name) == taken
    _validate_metric_name(taken)


def test_long_text_is_cut() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"


def test_a_table_holds_plain_json() -> None:
    columns = {
        "a": [np.int64(1), True, None],
        "b": [np.float32(0.5), math.nan, math.inf],
        "c": ["x", Path("y"), 2],
    }
    assert json.loads(table_json(columns)) == {
        "columns": ["a", "b", "c"],
        "data": [[1, 0.5, "x"], [True, None, "y"], [None, "inf", 2]],
    }


def test_columns_of_a_table_are_of_one_length() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        table_json({"a": [1, 2], "b": [1]})


def test_the_name_of_a_picture_is_what_the_ui_reads() -> None:
    path = picture_path("boundary/final (a)", 10, 1_700_000_000_123)
    key, *fields, _ = path.split("+")
    assert key == "images/boundary~final _a_"
    assert fields == ["step", "10", "timestamp", "1700000000123"]


def test_a_picture_is_a_png_and_a_small_webp(png: bytes) -> None:
    files = picture_files("images/x", png)
    assert files["images/x.png"] == png
    with Image.open(io.BytesIO(files["images/x+compressed.webp"])) as small:
        assert small.format == "WEBP"
        assert small.size == (256, 256)


def test_neighbouring_trials_have_different_colours() -> None:
    colours = [tags.colour_of(f"trial/{number:04d}") for number in range(100)]
    assert len(set(colours)) == 100
    assert colours[7] == tags.colour_of("trial/7")
    assert tags.colour_of("final") is None


def test_source_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tags.sys, "argv", ["/bin/trialstack", "tune"])
    outside = tags.source_tags()
    assert outside["mlflow.source.name"] == "/bin/trialstack"
    assert outside["mlflow.user"]
    monkeypatch.setattr(tags.sys, "argv", ["/lib/trialstack/__main__.py", "tune"])
    assert tags.source_tags()["mlflow.source.name"] == "trialstack"
    assert "mlflow.source.git.commit" not in outside
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", *identity, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    assert len(tags.source_tags()["mlflow.source.git.commit"]) == 40


def test_a_nameless_user_and_no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(tags.getpass, "getuser", nobody)
    monkeypatch.setenv("PATH", "")
    assert tags.source_tags()["mlflow.user"] == "unknown"
    assert "mlflow.source.git.commit" not in tags.source_tags()
