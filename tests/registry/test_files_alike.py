"""One and the same table as CSV and as Parquet: the same features, the same inputs of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from trialstack.datasets.person_file import read_person_file
from trialstack.datasets.table_file import open_table
from trialstack.experiment import DatasetSettings
from trialstack.preprocessing.fit import fit_preparation
from trialstack.registry.columns import input_schema
from trialstack.registry.predicting import columns_of, score_table
from trialstack.registry.scorer import TableScorer

ROWS = 40
FILES = ["rows.csv", "rows.parquet"]


def table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    code = np.array([f"{number:02d}" for number in rng.integers(1, 5, ROWS)], dtype=object)
    code[::8] = "x"  # so that the others stay the text they are
    frame = pd.DataFrame(
        {
            "code": code,
            "ward": pd.array(rng.integers(1, 4, ROWS)).astype("Int64"),
            "visits": pd.array(rng.integers(0, 9, ROWS), dtype="Int64"),
            "member": pd.array(rng.random(ROWS) < 0.5, dtype="boolean"),
            "city": rng.choice(np.array([" Oslo", "Oslo", "Bern\t", "", None], dtype=object), ROWS),
            "kind": pd.Categorical(rng.choice(["a", "b "], ROWS)),
            "y": np.arange(ROWS) % 2,
        }
    )
    frame["visits"] = frame["visits"].mask(frame.index % 5 == 0)
    frame["member"] = frame["member"].mask(frame.index % 7 == 0)
    return frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alike")
    table().to_csv(folder / "rows.csv", index=False)
    table().to_parquet(folder / "rows.parquet")
    return folder


class Recorder:
    """Stands for a model: says which inputs its network would be given."""

    def __init__(self, scorer: TableScorer) -> None:
        self.scorer = scorer

    def input_columns(self) -> tuple[list[str], list[str]]:
        return list(self.scorer.columns), []

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        inputs = self.scorer.inputs(frame)
        return pd.DataFrame({"inputs": list(map(str, np.hstack(list(inputs.values())).tolist()))})


def trained_on(folder: Path, source: str) -> Any:
    settings = DatasetSettings.model_validate(
        {"source": source, "target": "y", "categorical": ["ward"]}
    )
    return read_person_file(settings, folder)


def scorer_of(file: Any) -> TableScorer:
    held = file.dataset.table
    preparation = fit_preparation(held.schema, held.frame)
    gaps = [column.name for column in held.schema if column.has_missing]
    facts = input_schema(held.schema.names, gaps, preparation)
    scorer = TableScorer()
    scorer.columns = {column["name"]: column for column in facts["columns"]}
    scorer.groups = facts["inputs"]
    return scorer


def test_both_are_learnt_from_alike(folder: Path) -> None:
    csv, parquet = (trained_on(folder, source) for source in FILES)
    assert csv.dataset.schema == parquet.dataset.schema
    kinds = {column.name: column for column in csv.dataset.schema or ()}
    assert kinds["code"].categories == ("01", "02", "03", "04", "x")
    assert kinds["city"].categories == ("Bern", "Oslo")
    assert kinds["kind"].categories == ("a", "b")
    np.testing.assert_array_equal(csv.dataset.X, parquet.dataset.X)


@pytest.mark.parametrize("trained", FILES)
def test_a_model_of_either_reads_both_and_frames_alike(folder: Path, trained: str) -> None:
    model: Any = Recorder(scorer_of(trained_on(folder, trained)))
    texts = {name for name, column in model.scorer.columns.items() if column["dtype"] == "string"}
    found = []
    for source in FILES:
        opened = open_table(folder / source)
        (scores,) = score_table(model, opened, columns_of(model, opened), ["code"], texts)
        assert scores.frame["code"].tolist() == table()["code"].tolist()
        found.append(scores.frame["inputs"].tolist())
    found.append(model.predict(table())["inputs"].tolist())
    assert found[0] == found[1] == found[2]
    assert any("'01'" in row for row in found[0])


def test_a_code_stays_the_text_it_was_where_a_file_has_only_numbers(folder: Path) -> None:
    model: Any = Recorder(scorer_of(trained_on(folder, "rows.csv")))
    table()[lambda f: f["code"] != "x"].to_csv(folder / "numbers.csv", index=False)
    opened = open_table(folder / "numbers.csv")
    (scores,) = score_table(model, opened, columns_of(model, opened), [], {"code"})
    assert all("'0" in row for row in scores.frame["inputs"])
