"""Where a search was begun: its store, and the folder that its experiment names files in."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from trialstack.tracking.store import Store, display_uri
from trialstack.tuners.journal import Journal

PLACE = "place"
"""Name of the stage in which a journal tells the place."""


class Place(NamedTuple):
    """What a journal says of the place.

    Attributes:
        store: See `address_of`; empty = not known.
        folder: What relative paths and modules of the user are relative to.
    """

    store: str
    folder: Path


def address_of(store: Store) -> str:
    """A store's name in journals: without credentials, and the same after its folder is moved."""
    if store.sqlite_file is not None:
        return f"sqlite:///{store.sqlite_file.name}"
    return display_uri(store.tracking_uri).replace("://***@", "://")


def record_place(journal: Journal, store: Store, folder: Path) -> None:
    """Writes the place down, unless that is the last that the journal says of it."""
    place = Place(address_of(store), folder.absolute())
    if place_of(journal) != place:
        journal.append("stage", name=PLACE, data={"store": place.store, "folder": str(place[1])})


def place_of(journal: Journal) -> Place:
    """Where the search was worked on last; nowhere and here, if its journal does not say."""
    *_, last = ({"data": {"store": "", "folder": "."}}, *journal.stages(PLACE))
    return Place(last["data"]["store"], Path(last["data"]["folder"]))
