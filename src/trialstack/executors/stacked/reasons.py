"""Why a trial cannot be stacked."""

from __future__ import annotations

import textwrap

from trialstack.executors.reason import reason_of

LONGEST_ERROR = 120
"""Characters of an error. Reasons are counted: many trials may meet the same one."""


class Unstackable(Exception):  # noqa: N818 - a finding, not an error: the trial runs one by one
    """The trial needs `model.fit`; the text says why, in words that many trials may share."""


def said(error: Exception) -> str:
    r"""An error that nobody has foreseen, shortly.

    Example:
        >>> said(ValueError("no rows\nat all"))
        'ValueError: no rows'
    """
    return textwrap.shorten(reason_of(error), LONGEST_ERROR, placeholder="...")
