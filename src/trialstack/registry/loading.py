"""Loads a registered model, once its files are known to be those that were registered.

A model's folder holds Python that loading runs. So the files are copied, their digest is compared
with the one in the registry, and only then is anything of them imported: from the copy, which
nobody else can change.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialstack.quiet import load_tensorflow
from trialstack.registry.digest import checked_copy
from trialstack.registry.find import find_version, open_registry
from trialstack.registry.reference import ModelReference
from trialstack.tracking.store import Store, resolve_store


@dataclass(frozen=True)
class CheckedModel:
    """A copy of a registered version's files, which are those that were registered.

    Attributes:
        name: Of the registered model.
        version: From 1.
        folder: Where `MLmodel` lies; the folder that it lies in holds nothing else.
    """

    name: str
    version: int
    folder: Path

    @property
    def uri(self) -> str:
        """`models:/NAME/VERSION`."""
        return f"models:/{self.name}/{self.version}"

    def input_columns(self) -> tuple[list[str], list[str]]:
        """Columns that the model needs, and those that it takes when they are there.

        Nothing of the model is executed.
        """
        from mlflow.models import Model

        inputs = Model.load(str(self.folder)).get_input_schema()
        return list(inputs.required_input_names()), list(inputs.optional_input_names())

    def text_columns(self) -> frozenset[str]:
        """Columns that hold text, even if it looks like numbers.

        Nothing of the model is executed.
        """
        schema = json.loads((self.folder / "artifacts" / "schema.json").read_text("utf-8"))
        columns = schema["columns"]
        return frozenset(column["name"] for column in columns if column["dtype"] == "string")

    def load(self) -> Any:
        """The model, an `mlflow.pyfunc.PyFuncModel`; the files are not needed any more."""
        load_tensorflow()

        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(str(self.folder))


@contextmanager
def checked_model(reference: ModelReference, store: Store) -> Iterator[CheckedModel]:
    """Copies the files of a registered version and checks them; the copy goes on the way out.

    Args:
        reference: Which version.
        store: That has it.

    Raises:
        InputError: There is no such store, model, version or alias.
        ModelRefusedError: The files are not those that were registered, or are not there.
    """
    with checked_version(open_registry(store), reference) as model:
        yield model


@contextmanager
def checked_version(client: Any, reference: ModelReference) -> Iterator[CheckedModel]:
    """See `checked_model`; `client` is an `mlflow.MlflowClient` of the store."""
    version = find_version(client, reference)
    with tempfile.TemporaryDirectory(prefix="trialstack-checked-") as scratch:  # nobody else's
        folder = Path(scratch, "model")
        folder.mkdir()
        copy = checked_copy(client, version.name, version.version, folder)
        yield CheckedModel(version.name, int(version.version), copy)


def load(reference: str, *, tracking_uri: str | None = None) -> Any:
    """Loads a registered model, after a check that its files are those that were registered.

    Args:
        reference: `"NAME"` for the champion, `"NAME@ALIAS"` or `"NAME/VERSION"`.
        tracking_uri: Of the store; by default `MLFLOW_TRACKING_URI`, or the embedded store under
            the current directory.

    Returns:
        An `mlflow.pyfunc.PyFuncModel`. Its `predict` takes a DataFrame with the original columns
        and returns one with `prediction` and `probability_<class>`.

    Raises:
        InputError: There is no such store, model, version or alias.
        ModelRefusedError: The files are not those that were registered: nothing of them was run.

    Example:
        ```python
        model = trialstack.load("breast-cancer@champion")
        model.predict(frame)
        ```
    """
    with checked_model(ModelReference.parse(reference), resolve_store(tracking_uri)) as model:
        return model.load()
