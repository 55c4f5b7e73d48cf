"""How a command ends: its exit code, and one line on what went wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from trialstack.console import fail
from trialstack.errors import Interrupted, TrialstackError
from trialstack.tracking.store import display_uri

LONGEST_TEXT = 500
"""Characters of an unforeseen error that are shown; TensorFlow's may hold whole tensors."""

NOT_PERMITTED = "PERMISSION_DENIED"
"""MLflow's code for what a server with passwords keeps from some of its users."""
NOT_PERMITTED_TEXT = (
    "the tracking server does not let you do this; ask whose experiment or model it is for a "
    "permission (READ to look and predict, EDIT to search and promote)"
)


def exit_code_of(command: Callable[[], object], *, debug: bool) -> int:
    """Runs a command; returns its exit code.

    Args:
        command: Parses what came and does it.
        debug: Whether an error's traceback is shown too.
    """
    try:
        command()
    except click.exceptions.Exit as end:  # of --help and --version
        return end.exit_code
    except click.ClickException as error:
        fail(_usage(error))
        return 2
    except Interrupted as error:
        return error.exit_code  # the command has said what is saved
    except TrialstackError as error:
        return _failed(error, str(error), error.exit_code, debug)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1  # as of `| head`: nobody is there to be told
    except Exception as error:
        if getattr(error, "error_code", None) == NOT_PERMITTED:
            return _failed(error, NOT_PERMITTED_TEXT, 2, debug)
        text = str(error)
        text = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
        text = f"{type(error).__name__}: {text} (the whole traceback: --debug)"
        return _failed(error, text, 1, debug)
    return 0


def _failed(error: Exception, text: str, code: int, debug: bool) -> int:
    fail(text)
    if debug:
        import traceback

        # Libraries put a server's address into their errors, with the password in it.
        text = "".join(traceback.format_exception(error))
        print(display_uri(text), file=sys.stderr, end="")
    return code


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    text = error.format_message().rstrip(".")
    return f"{text}; see: {context.command_path} --help" if context else text
