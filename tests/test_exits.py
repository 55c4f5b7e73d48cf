"""What a command says, and its exit code, when a server keeps something from its user."""

from __future__ import annotations

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, PERMISSION_DENIED

from trialstack.exits import exit_code_of


def test_what_is_not_permitted_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def promote() -> None:
        raise MlflowException("Permission denied", PERMISSION_DENIED)

    assert exit_code_of(promote, debug=False) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: the tracking server does not let you do this; ask ")


def test_other_errors_of_mlflow_say_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    def promote() -> None:
        raise MlflowException("it broke", INTERNAL_ERROR)

    assert exit_code_of(promote, debug=False) == 1
    assert "MlflowException: it broke" in capsys.readouterr().err
