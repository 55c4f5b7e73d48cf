"""`trialstack serve`."""

from __future__ import annotations

import sys

from trialstack.console import one_line
from trialstack.errors import Interrupted
from trialstack.quiet import silence_libraries
from trialstack.registry.loading import CheckedModel, checked_model
from trialstack.registry.reference import ModelReference
from trialstack.registry.serving import curl_line, serve_model
from trialstack.signals import interruptible
from trialstack.tracking.server import require_loopback
from trialstack.tracking.store import resolve_store


def run_serve(model: str, port: int, host: str, tracking_uri: str | None) -> None:
    """Serves a registered model until Ctrl-C.

    Args:
        model: `NAME`, `NAME@ALIAS` or `NAME/VERSION`.
        port: Where to listen; the next free one if it is taken.
        host: A loopback address.
        tracking_uri: Of the store; None = its default.
    """
    silence_libraries()
    reference = ModelReference.parse(model)
    require_loopback(host, "the model")
    with interruptible(), checked_model(reference, resolve_store(tracking_uri)) as checked:
        try:
            serve_model(
                checked,
                port,
                host=host,
                on_ready=lambda url: _print_ready(checked, url),
                warn=lambda line: print(f"warning: {one_line(line)}", file=sys.stderr),
            )
        except Interrupted:
            return  # the usual way to end it


def _print_ready(model: CheckedModel, url: str) -> None:
    print(f"{model.uri} answers at {url}/invocations until Ctrl-C; try:")
    print(curl_line(model, url), flush=True)
