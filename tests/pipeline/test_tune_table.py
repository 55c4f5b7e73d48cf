"""A person's table from the command line to a registered model, and what its run tells of it."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.pipeline.conftest import Answer, Place

Table = tuple[Place, Answer]
QUICK = ("--trials", "2", "--epochs", "2", "--set", "baseline.epochs=2", "--executor", "one-by-one")
WARNING = "rows.csv: column 'row id': it numbers the rows; it is dropped"


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 120
    table = pd.DataFrame(
        {
            "row id": np.arange(n),
            "a/b %": rng.normal(size=n).round(3),
            "é": rng.normal(size=n).round(3),
            'c "d"\ne': np.where(np.arange(n) % 20 == 0, np.nan, rng.integers(0, 50, size=n)),
        }
    )
    signal = table["a/b %"] + 0.5 * rng.normal(size=n)
    return table.assign(churned=np.where(signal > 0, "yes", "no"))


def tune(place: Place, *options: str) -> Answer:
    return place.trialstack("tune", "--data", "rows.csv", "--target", "churned", *QUICK, *options)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    place = Place(tmp_path_factory.mktemp("table"))
    rows().to_csv(place.folder / "rows.csv", index=False)
    answer = tune(place, "--json", "--positive", "no", "--save", "again.toml")
    assert answer.code == 0, answer.err
    return place, answer


@pytest.mark.slow
class TestTable:
    def test_the_model_takes_the_rows_of_the_file(self, table: Table) -> None:
        place, answer = table
        assert answer.json["model"]["name"] == "rows"
        answer = place.trialstack("predict", "rows", "rows.csv", "-o", "out.csv")
        assert answer.code == 0, answer.err
        scores = pd.read_csv(place.folder / "out.csv")
        assert list(scores) == ["prediction", "probability_no", "probability_yes"]
        assert len(scores) == 120

    def test_warnings_are_told_and_kept_on_the_run(self, table: Table) -> None:
        place, answer = table
        assert f"warning: {WARNING}\n" in answer.err
        [search] = place.runs("search", "rows")
        assert search.data.tags["trialstack.warnings"] == WARNING
        assert search.data.tags["trialstack.imputed"] == 'c "d"\ne (6)'
        assert place.read(search.info.run_id, "warnings.txt").decode() == WARNING
        assert "column 'row id': it numbers the rows" in search.data.tags["mlflow.note.content"]

    def test_scores_are_about_the_positive_label(self, table: Table) -> None:
        place, answer = table
        [final] = place.runs("final", "rows")
        scored: dict[str, Any] = json.loads(place.read(final.info.run_id, "evaluation.json"))
        assert scored["f1"] == answer.json["final"]["test"]["f1"]
        evidence = np.load(
            place.client.download_artifacts(final.info.run_id, "evidence/evidence.npz")
        )
        y, p_no = evidence["y_test"], evidence["probabilities_test"][:, 0]
        said_no, is_no = p_no >= 0.5, y == 0
        f1 = 2 * (said_no & is_no).sum() / (said_no.sum() + is_no.sum())
        assert scored["f1"] == pytest.approx(f1)

    def test_the_saved_file_is_that_of_the_search(self, table: Table) -> None:
        place, _ = table
        saved = tomllib.loads((place.folder / "again.toml").read_text())
        assert saved["search"]["max_trials"] == 2
        assert saved["dataset"]["positive"] == "no"
        [search] = place.runs("search", "rows")
        assert search.data.params["dataset.source"] == "rows.csv"

    def test_a_changed_file_does_not_go_on_with_its_search(self, table: Table) -> None:
        place, _ = table
        file, journals = place.folder / "rows.csv", place.journals("rows")
        kept = file.read_bytes()
        changed = rows()
        changed.loc[3, "a/b %"] = 7.5
        changed.to_csv(file, index=False)
        refused = tune(place, "--positive", "no", "--extend", "1")
        file.write_bytes(kept)
        assert refused.code == 2
        assert "rows.csv has changed: column 'a/b %' has other values; put" in refused.err
        assert place.journals("rows") == journals
