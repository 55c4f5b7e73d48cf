"""Writes files that somebody may be reading."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path

# MLflow lists no file whose name begins like this.
_UNFINISHED = ".artifact.uploading."


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes files, each of which appears as a whole, in place of one of the same name.

    Args:
        folder: Made if it is not there.
        files: Path within the folder -> content.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_files(Path(folder), {"plots/roc.txt": b"0.5"})
        ...     Path(folder, "plots/roc.txt").read_bytes()
        b'0.5'
    """
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f"{_UNFINISHED}{uuid.uuid4().hex}")
        try:
            unfinished.write_bytes(content)
            unfinished.replace(file)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
