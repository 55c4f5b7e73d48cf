"""What all tests share: quiet libraries, and nothing of this machine's settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before anything imports TensorFlow or MLflow, and for the processes that tests start.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
for name in ("MLFLOW_TRACKING_URI", "KERASTUNER_ORACLE_IP", "KERASTUNER_TUNER_ID"):
    os.environ.pop(name, None)


@pytest.fixture(autouse=True, scope="module")
def _no_store_of_others() -> Iterator[None]:
    """`mlflow.set_tracking_uri` writes to the environment, which processes of tests inherit."""
    yield
    os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
