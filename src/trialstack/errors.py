"""Every exception that trialstack raises on purpose.

    TrialstackError
    ├── InputError              exit code 2: what the user gave cannot be used
    │   ├── ExperimentError     a key of the experiment file
    │   ├── DataError           the rows
    │   ├── JournalError        a search's own record
    │   └── NotBuiltError       named by the documentation, not there yet
    ├── SearchHeldError         exit code 3: another process runs this search
    ├── AllTrialsFailedError    exit code 1
    └── ModelRefusedError       a model that does not load, or not as it was logged
    KeyboardInterrupt
    └── Interrupted             exit code 130 or 143: SIGINT, SIGTERM

That one trial failed is not an exception but an event (`trialstack.trials.Failed`): it never
ends the program.
"""

from __future__ import annotations


class TrialstackError(Exception):
    """Base of all: its text is one line that says what came, what is wanted, and how to mend it."""

    exit_code = 1


class InputError(TrialstackError):
    """What the user gave cannot be used."""

    exit_code = 2


class ExperimentError(InputError):
    """A key of the experiment file has an unknown name, a wrong type or an impossible value."""


class DataError(InputError):
    """The rows cannot be used as they are."""


class NotBuiltError(InputError):
    """Something that the documentation names but this version does not have."""


class SearchHeldError(TrialstackError):
    """Another process is running this search."""

    exit_code = 3


class AllTrialsFailedError(TrialstackError):
    """No trial of the search came to a score."""


class JournalError(InputError):
    """A search's journal is damaged, or of a version that this program does not know."""


class ModelRefusedError(TrialstackError):
    """A model that does not load in a fresh process, or does not reproduce its logged score."""


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM arrived; everything finished is saved.

    As Python's own KeyboardInterrupt it passes through every `except Exception`.

    Args:
        signal_number: The signal, whose number plus 128 is the exit code.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by signal {signal_number}")
        self.exit_code = 128 + signal_number
