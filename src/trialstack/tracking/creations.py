"""Requests that create something are sent once: MLflow's client would repeat them unseen.

It has its HTTP library repeat whatever got no answer, or an answer 500. But the server may have
done what it was asked before it died: a run would be there twice, and its twin for ever RUNNING.
Whoever creates (`RunRequests._create`) looks first whether an earlier attempt has come through.
"""

from __future__ import annotations

from typing import Any

_CREATIONS = ("/create", "/logged-models")
"""How the paths of such requests end."""


def send_creations_once() -> None:
    """Changes MLflow's client for this process; again is no harm."""
    from mlflow.utils import request_utils

    reasons = request_utils.urllib3.exceptions
    if getattr(request_utils.Retry, "creates_once", False):
        return

    class CreatingOnce(request_utils.Retry):
        creates_once = True

        def increment(
            self,
            method: str | None = None,
            url: str | None = None,
            response: Any = None,
            error: Exception | None = None,
            _pool: Any = None,
            _stacktrace: Any = None,
        ) -> Any:
            page = (url or "").partition("?")[0]
            unsent = isinstance(error, reasons.ConnectTimeoutError | reasons.NewConnectionError)
            if method == "POST" and page.endswith(_CREATIONS) and not unsent:
                status = getattr(response, "status", None)
                reason = error or reasons.ResponseError(f"too many {status} error responses")
                raise reasons.MaxRetryError(_pool, url or "", reason)
            return super().increment(method, url, response, error, _pool, _stacktrace)

    request_utils.Retry = CreatingOnce
