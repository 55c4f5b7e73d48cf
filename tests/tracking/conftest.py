from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path

import pytest

from trialstack.tracking.store import Store, open_client, resolve_store


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite store without runs; making one takes MLflow seconds."""
    file = tmp_path_factory.mktemp("empty") / "mlflow.db"
    with contextlib.chdir(file.parent):  # where MLflow puts the files of its default experiment
        client = open_client(resolve_store(f"sqlite:///{file}"))
    client._tracking_client.store.engine.dispose()
    return file


@pytest.fixture
def store(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The default store of an empty folder, its schema already made."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = resolve_store(directory=tmp_path)
    store.folder.mkdir()
    shutil.copy(empty_database, store.folder)
    return store


@pytest.fixture(scope="session")
def png() -> bytes:
    """A square picture of 300 pixels."""
    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", (300, 300), (200, 60, 40)).save(content, "PNG")
    return content.getvalue()
