"""The searches of an experiment: where they lie, and which one a command means."""

from trialstack.searches.choice import (
    CLOSED_OTHERS,
    DONE,
    OpenSearch,
    choose_search,
    differing,
    open_search,
)
from trialstack.searches.folders import folder_name, held, journal_of, searches_of

__all__ = [
    "CLOSED_OTHERS",
    "DONE",
    "OpenSearch",
    "choose_search",
    "differing",
    "folder_name",
    "held",
    "journal_of",
    "open_search",
    "searches_of",
]
