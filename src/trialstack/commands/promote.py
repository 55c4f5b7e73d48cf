"""`trialstack promote`."""

from __future__ import annotations

from trialstack.errors import InputError
from trialstack.quiet import silence_libraries
from trialstack.registry.champion import promote
from trialstack.registry.find import find_version, open_registry
from trialstack.registry.history import champion_of
from trialstack.registry.reference import ModelReference
from trialstack.tracking.store import resolve_store

NO_REASON = "no reason was given"


def run_promote(name: str, version: str, *, why: str | None, tracking_uri: str | None) -> None:
    """Makes a version champion, and writes down why.

    Args:
        name: Of the registered model.
        version: Its number, as typed.
        why: One line for the history; None for none in particular.
        tracking_uri: Of the store; None = its default.
    """
    silence_libraries()
    if not (version.isascii() and version.isdecimal() and int(version)):
        raise InputError(f"version {version!r} came; give an integer from 1, see trialstack models")
    wanted = ModelReference.parse(f"{name}/{version}")
    reason = " ".join((NO_REASON if why is None else why).split())
    if not reason:
        raise InputError("--why: '' came; give the reason, or leave the option away")
    client = open_registry(resolve_store(tracking_uri))
    number = int(find_version(client, wanted).version)
    before = champion_of(client, wanted.name)
    if before is not None and int(before.version) == number:
        print(f"{wanted} is champion already")
        return
    promote(client, wanted.name, number, reason)
    instead = f" instead of {wanted.name}/{before.version}" if before is not None else ""
    print(f"{wanted} is champion now{instead}: {reason}")
