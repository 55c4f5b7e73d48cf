"""One SHA-256 over all files of a logged model, and the check of it before a model is loaded.

A store's folder can be edited behind MLflow's back: another `.keras` file, an `MLmodel` that names
another loader. The digest is recorded in the registry's database when the version is made, so what
is loaded later can be compared with what was registered.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trialstack.errors import ModelRefusedError
from trialstack.tracking.store import display_uri

DIGEST_TAG = "trialstack.files_sha256"

REGISTRATION_NOTE = "registered_model_meta"
"""File that MLflow writes into a model's folder when it is loaded by its registered name."""


def files_sha256(folder: Path) -> str:
    """Digest of a model's folder: of every file's relative path and content.

    Left out is what MLflow and Python add when they load the model: the registration note and
    compiled bytecode.

    Args:
        folder: Where `MLmodel` lies.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path in _model_files(folder):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def checked_copy(client: Any, name: str, version: str | int, folder: Path) -> Path:
    """Downloads a registered version and makes sure that it is what was registered.

    Load the model from the copy: the store could change between check and load, and the copy
    has no compiled bytecode that Python would run in place of the source.

    Args:
        client: `mlflow.MlflowClient` of the store.
        name: Registered model.
        version: Its version.
        folder: An existing, empty folder.

    Returns:
        The folder to give to `mlflow.pyfunc.load_model`.

    Raises:
        ModelRefusedError: The files differ from those registered or cannot be read, or no digest
            was recorded.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    recorded = client.get_model_version(name, str(version)).tags.get(DIGEST_TAG)
    if recorded is None:
        raise ModelRefusedError(
            f"model {name}/{version}: no digest of its files is recorded (tag {DIGEST_TAG}); "
            "it was not registered by trialstack"
        )
    source = client.get_model_version_download_uri(name, str(version))
    try:
        repository = get_artifact_repository(source, tracking_uri=client.tracking_uri)
        copy = Path(repository.download_artifacts("", str(folder)))
    except (MlflowException, OSError) as error:
        raise ModelRefusedError(
            f"model {name}/{version}: its files cannot be read ({display_uri(str(error))}); "
            f"restore {display_uri(source)}, or promote another version"
        ) from error
    if not (copy / "MLmodel").is_file():  # MLflow copies a folder that is gone as an empty one
        raise ModelRefusedError(
            f"model {name}/{version}: its files are gone; restore {display_uri(source)}, or "
            "promote another version"
        )
    for compiled in list(copy.rglob("__pycache__")):
        shutil.rmtree(compiled)
    if files_sha256(copy) != recorded:
        raise ModelRefusedError(
            f"model {name}/{version}: digest mismatch, its files are not those that were "
            "registered; restore them, or promote another version"
        )
    return copy


def _model_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*"), key=Path.as_posix):
        added_later = path.name == REGISTRATION_NOTE or path.parent.name == "__pycache__"
        if path.is_file() and not added_later:
            yield path
