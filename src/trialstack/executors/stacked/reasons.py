"""Why a trial cannot be stacked."""

from __future__ import annotations


class Unstackable(Exception):  # noqa: N818 - a finding, not an error: the trial runs one by one
    """The trial needs `model.fit`; the text says why, in words that many trials may share."""
