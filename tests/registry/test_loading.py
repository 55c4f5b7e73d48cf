from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

import trialstack
from trialstack.errors import ModelRefusedError
from trialstack.registry.loading import checked_model
from trialstack.registry.reference import ModelReference
from trialstack.tracking.store import resolve_store

ROWS = pd.DataFrame({"x": [1.0, -3.0], "y": [0.5, 0.5]})


@pytest.mark.parametrize("name", ["circles", "circles@champion", "circles/2"])
def test_load(shelf, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    model = trialstack.load(name, tracking_uri=shelf.uri)
    assert model.predict(ROWS)["prediction"].tolist() == [1, 0]
    assert list(tmp_path.iterdir()) == []


def test_the_store_is_the_one_of_the_current_folder(shelf, monkeypatch):
    monkeypatch.chdir(shelf.folder)
    assert trialstack.load("circles").predict(ROWS)["prediction"].tolist() == [1, 0]


def execute(folder: Path) -> None:
    """Lets the loading of a model leave a trace."""
    with (folder / "scorer.py").open("a") as source:
        source.write("\nimport os; os.environ['TAMPERED'] = 'yes'\n")


def replace_network(folder: Path) -> None:
    (folder / "artifacts" / "model.keras").write_bytes(b"another")


def add_file(folder: Path) -> None:
    (folder / "keras.py").write_text("import os; os.environ['TAMPERED'] = 'yes'\n")


def other_loader(folder: Path) -> None:
    text = (folder / "MLmodel").read_text()
    assert "mlflow.pyfunc.loaders.code_model" in text
    (folder / "MLmodel").write_text(text.replace("mlflow.pyfunc.loaders.code_model", "this"))


@pytest.mark.parametrize("damage", [execute, replace_network, add_file, other_loader])
def test_a_changed_model_is_refused_and_not_executed(shelf, files, damage):
    damage(files)
    with pytest.raises(ModelRefusedError, match="model circles/1: digest mismatch"):
        trialstack.load("circles", tracking_uri=shelf.uri)
    assert "TAMPERED" not in os.environ


def test_bytecode_beside_the_source_is_not_executed(shelf, files):
    bytecode = files / "__pycache__"
    bytecode.mkdir()
    (bytecode / "scorer.cpython-311.pyc").write_bytes(b"foreign")
    trialstack.load("circles", tracking_uri=shelf.uri)


def test_files_that_are_gone(shelf, files):
    shutil.rmtree(files)
    with pytest.raises(ModelRefusedError, match="model circles/1: its files are gone; restore "):
        trialstack.load("circles", tracking_uri=shelf.uri)


def test_the_copy_is_nobody_elses_and_goes(shelf):
    with checked_model(ModelReference("circles"), resolve_store(shelf.uri)) as model:
        assert model.uri == "models:/circles/1"
        assert model.input_columns() == (["x", "y"], [])
        private = model.folder.parent
        assert private.stat().st_mode & 0o077 == 0
        assert list(private.iterdir()) == [model.folder]
    assert not private.exists()
