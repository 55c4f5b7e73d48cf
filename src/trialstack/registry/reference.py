"""How a person names a registered model, or one of its versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from trialstack.errors import InputError
from trialstack.registry.history import CHAMPION


@dataclass(frozen=True)
class ModelReference:
    """A version of a registered model, by its number or by an alias.

    Attributes:
        name: Of the registered model.
        version: From 1; None where an alias is given.
        alias: None where a version is given.
    """

    name: str
    version: int | None = None
    alias: str | None = CHAMPION

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `NAME`, `NAME@ALIAS` or `NAME/VERSION`, each also as MLflow's `models:/...`.

        Args:
            text: A name alone means its champion.

        Raises:
            InputError: It is none of these.

        Example:
            >>> ModelReference.parse("breast-cancer")
            ModelReference(name='breast-cancer', version=None, alias='champion')
            >>> ModelReference.parse("models:/breast-cancer/3")
            ModelReference(name='breast-cancer', version=3, alias=None)
        """
        rest = text.removeprefix("models:/")
        name, slash, number = rest.partition("/")
        if slash and name and number.isascii() and number.isdecimal() and int(number):
            return cls(name, int(number), None)
        name, at, alias = rest.rpartition("@") if "@" in rest else (rest, "", "")
        if slash or not name or bool(at) != bool(alias):
            raise InputError(
                f"model {text!r}: wanted is NAME, NAME@ALIAS or NAME/VERSION, "
                "such as rings, rings@champion or rings/3"
            )
        return cls(name, None, alias or CHAMPION)

    def __str__(self) -> str:
        if self.version is None:
            return f"{self.name}@{self.alias}"
        return f"{self.name}/{self.version}"
