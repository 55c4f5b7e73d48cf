"""The searches of an experiment: where they lie, and which one a command means."""

from trialstack.searches.choice import (
    CLOSED_OTHERS,
    DONE,
    OpenSearch,
    choose_search,
    differing,
    open_search,
    state_of,
)
from trialstack.searches.folders import (
    folder_name,
    held,
    journal_of,
    searches_in,
    searches_of,
)
from trialstack.searches.place import address_of, place_of, record_place

__all__ = [
    "CLOSED_OTHERS",
    "DONE",
    "OpenSearch",
    "address_of",
    "choose_search",
    "differing",
    "folder_name",
    "held",
    "journal_of",
    "open_search",
    "place_of",
    "record_place",
    "searches_in",
    "searches_of",
    "state_of",
]
