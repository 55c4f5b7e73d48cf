from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from trialstack.errors import ModelRefusedError
from trialstack.registry.digest import DIGEST_TAG, checked_copy, files_sha256


@pytest.fixture
def version(store, log, sigmoid_model):
    """A registered version; `.folder` is where the store keeps its files."""
    reference = log(sigmoid_model, [0, 1])
    source = store.client.get_logged_model(reference.model_id).artifact_location
    store.client.create_registered_model("circles")
    store.client.create_model_version(
        "circles", source, tags={DIGEST_TAG: reference.files_sha256}, await_creation_for=0
    )
    return SimpleNamespace(
        client=store.client, folder=Path(source.removeprefix("file://")), reference=reference
    )


def test_by_hand(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.txt").write_bytes(b"two")
    (tmp_path / "a.txt").write_bytes(b"one")
    lines = "".join(
        f"{name}\0{hashlib.sha256(content).hexdigest()}\n"
        for name, content in [("a.txt", b"one"), ("b/c.txt", b"two")]
    )
    assert files_sha256(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()


def test_what_loading_adds_does_not_count(tmp_path):
    (tmp_path / "MLmodel").write_text("x")
    before = files_sha256(tmp_path)
    (tmp_path / "registered_model_meta").write_text("name")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "scorer.cpython-311.pyc").write_bytes(b"0")
    assert files_sha256(tmp_path) == before


def test_a_name_counts_as_well_as_a_content(tmp_path):
    (tmp_path / "a").write_text("x")
    before = files_sha256(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert files_sha256(tmp_path) != before


def test_an_untouched_model_is_copied_without_bytecode(version, tmp_path):
    bytecode = version.folder / "__pycache__"
    bytecode.mkdir()
    (bytecode / "scorer.cpython-311.pyc").write_bytes(b"foreign")
    target = tmp_path / "copy"
    target.mkdir()
    copy = checked_copy(version.client, "circles", 1, target)
    assert files_sha256(copy) == version.reference.files_sha256
    assert not list(copy.rglob("*.pyc"))
    assert (version.folder / "__pycache__").exists()


def truncate(folder):
    model = folder / "artifacts" / "model.keras"
    model.write_bytes(model.read_bytes()[:-100])


def edit_loader(folder):
    mlmodel = folder / "MLmodel"
    text = mlmodel.read_text()
    changed = text.replace("mlflow.pyfunc.loaders.code_model", "marker_module")
    assert changed != text
    mlmodel.write_text(changed)
    (folder / "marker_module.py").write_text("open('marker', 'w')")


@pytest.mark.parametrize("damage", [truncate, edit_loader])
def test_a_changed_model_is_refused(version, tmp_path, damage):
    damage(version.folder)
    target = tmp_path / "copy"
    target.mkdir()
    with pytest.raises(ModelRefusedError, match="model circles/1: digest mismatch"):
        checked_copy(version.client, "circles", "1", target)


def test_a_version_without_a_digest_is_refused(version, tmp_path):
    version.client.delete_model_version_tag("circles", "1", DIGEST_TAG)
    with pytest.raises(ModelRefusedError, match="no digest of its files"):
        checked_copy(version.client, "circles", 1, tmp_path)
