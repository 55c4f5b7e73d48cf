"""Where searches lie: side by side in a folder of their experiment, each numbered.

One process at a time works there.
"""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from trialstack.errors import InputError
from trialstack.tuners.journal import FILE_NAME
from trialstack.tuners.lock import locked, unusable


def searches_of(root: Path, name: str) -> list[Path]:
    """Folders of an experiment's searches, the oldest first."""
    return searches_in(root / folder_name(name))


def searches_in(home: Path) -> list[Path]:
    """Folders of the searches in an experiment's folder, the oldest first."""
    return sorted(path.parent for path in home.glob(f"*/{FILE_NAME}"))


def journal_of(home: Path, search_id: str) -> Path | None:
    """File of the journal of a search, by its id; None if it is not there any more."""
    opened = f'"search_id":"{search_id}"'
    for folder in searches_in(home):
        with (folder / FILE_NAME).open(encoding="utf-8", errors="replace") as file:
            if opened in file.readline():
                return folder / FILE_NAME
    return None


def new_folder(home: Path) -> Path:
    """Name of the folder of a further search.

    Searches are told apart by number: clocks stand still, and are set back.
    """
    numbers = (path.name.partition("-")[0] for path in home.iterdir())
    number = 1 + max((int(number) for number in numbers if number.isdecimal()), default=0)
    return home / f"{number:04d}-{time.strftime('%Y%m%d-%H%M%S')}"


def folder_name(name: str) -> str:
    """A name that is safe as a folder's, and a different one for a different name.

    Example:
        >>> folder_name("breast-cancer")
        'breast-cancer'
    """
    safe = re.sub(r"[^\w.-]", "_", name).lstrip(".")
    return safe if safe == name else f"{safe}-{uuid.uuid5(uuid.NAMESPACE_OID, name).hex[:8]}"


@contextlib.contextmanager
def held(root: Path, name: str) -> Iterator[Path]:
    """Holds an experiment's folder for this process.

    A folder that was made for this, and in which no search has begun, is removed again.

    Raises:
        SearchHeldError: Another process holds it. A process that died holds nothing.
        InputError: It cannot be made, or may not be written.
    """
    home = root / folder_name(name)
    try:
        made = [folder for folder in (home, root, root.parent) if not folder.exists()]
    except OSError as error:
        raise unusable(home, f"experiment {name!r}", error) from error
    with locked(home, f"experiment {name!r}"):
        try:
            yield home
        except InputError:
            if home in made and [path.name for path in home.iterdir()] == ["lock"]:
                (home / "lock").unlink()
                for folder in made:
                    with contextlib.suppress(OSError):  # somebody else's files are in it
                        folder.rmdir()
            raise
