"""What MLflow's client does not repeat unseen: a creation, and what got no answer in time.

It has its HTTP library repeat whatever got no answer, or an answer 500.

- But the server may have done what it was asked before it died: a run would be there twice, and its
  twin for ever RUNNING. Whoever creates (`RunRequests._create`) looks first whether an earlier
  attempt has come through.
- And a server that takes a request and never answers would hold it three times as long. The thread
  that writes runs tries again by itself, and says so.
"""

from __future__ import annotations

from typing import Any

_CREATIONS = ("/create", "/logged-models")
"""How the paths of creating requests end."""


def repeat_less() -> None:
    """Changes MLflow's client for this process; again is no harm."""
    from mlflow.utils import request_utils

    reasons = request_utils.urllib3.exceptions
    if getattr(request_utils.Retry, "repeats_less", False):
        return

    class RepeatingLess(request_utils.Retry):
        repeats_less = True

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
            refused = isinstance(error, reasons.NewConnectionError)  # hence was not sent
            creates = method == "POST" and page.endswith(_CREATIONS)
            if not refused and (creates or isinstance(error, reasons.TimeoutError)):
                status = getattr(response, "status", None)
                reason = error or reasons.ResponseError(f"too many {status} error responses")
                raise reasons.MaxRetryError(_pool, url or "", reason)
            return super().increment(method, url, response, error, _pool, _stacktrace)

    request_utils.Retry = RepeatingLess
