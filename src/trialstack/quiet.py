"""Keeps the libraries' start-up noise off the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator


def silence_libraries() -> None:
    """Environment variables that must be set before TensorFlow is imported; the user's own stay."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    os.environ.setdefault("GLOG_minloglevel", "2")
    # Of a name in a script that Matplotlib's font lacks, which it draws as boxes.
    warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)


def load_tensorflow() -> None:
    """Imports TensorFlow without the lines that it writes before its logging is set up.

    They come from C++ and go past Python's `sys.stderr`, so the file descriptor itself is turned
    away for the seconds of the import.
    """
    silence_libraries()
    with _stderr_closed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow as tf

        tf.constant(0)  # devices are looked for, and complained of, at the first operation


@contextlib.contextmanager
def _stderr_closed() -> Iterator[None]:
    try:
        descriptor = sys.__stderr__.fileno() if sys.__stderr__ else None
    except (OSError, ValueError):
        descriptor = None
    if descriptor is None:
        yield
        return
    kept = os.dup(descriptor)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(nowhere)
