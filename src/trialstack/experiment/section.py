"""What all tables of an experiment file have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from trialstack.datasets.names import nearest
from trialstack.experiment.problems import impossible, shown, wrong_keys


class Section(BaseModel):
    """A table: its keys are checked as a whole before its values are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, table: Any) -> Any:
        if not isinstance(table, Mapping):
            raise impossible(table, f"a table with the keys {', '.join(cls.model_fields)}")
        known = ", ".join(cls.model_fields)
        unknown = [
            (shown(key)[1:-1], f"no such key; allowed: {known}{nearest(key, cls.model_fields)}")
            for key in table
            if key not in cls.model_fields
        ]
        missing = [
            (key, f"it is missing; add it, such as {(field.examples or [''])[0]}")
            for key, field in cls.model_fields.items()
            if field.is_required() and key not in table
        ]
        if unknown or missing:
            raise wrong_keys(unknown + missing)
        return table
