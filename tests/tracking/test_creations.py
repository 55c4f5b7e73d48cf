from __future__ import annotations

from typing import Any

import pytest
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from trialstack.tracking.creations import send_creations_once

CREATE = "/api/2.0/mlflow/runs/create"


def retry() -> Any:
    from mlflow.utils import request_utils

    send_creations_once()
    send_creations_once()
    return request_utils.Retry(total=2, allowed_methods=None, status_forcelist=[500])


@pytest.mark.parametrize("page", [CREATE, f"{CREATE}?a=b", "/api/2.0/mlflow/logged-models"])
def test_what_may_have_been_created_is_not_asked_for_again(page: str) -> None:
    with pytest.raises(MaxRetryError, match="closed"):
        retry().increment("POST", page, error=ProtocolError("closed"))


@pytest.mark.parametrize(
    ("method", "page", "error"),
    [
        ("POST", "/api/2.0/mlflow/runs/log-batch", ProtocolError("closed")),
        ("GET", "/api/2.0/mlflow/runs/get", ProtocolError("closed")),
        ("POST", CREATE, NewConnectionError(None, "refused")),  # which was never sent
    ],
)
def test_other_requests_are_repeated(method: str, page: str, error: Exception) -> None:
    assert retry().increment(method, page, error=error).total == 1
