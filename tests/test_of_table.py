"""The experiment that is meant when a person gives a table, and the file that repeats it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from trialstack.cli import run
from trialstack.commands.of_table import (
    SavedExperiment,
    TableOptions,
    experiment_text,
    rows_about,
)
from trialstack.datasets.table_file import open_table
from trialstack.errors import ExperimentError, InputError
from trialstack.experiment import DatasetSettings, Experiment
from trialstack.experiment.of_table import COMMENTS, experiment_of_table
from trialstack.experiment.reading import flat
from trialstack.experiment.writing import toml_text


def on_rows(rows: int = 500, **dataset: Any) -> Experiment:
    return experiment_of_table("rows.csv", {"target": "y", **dataset}, rows=rows)


@pytest.mark.parametrize(
    "tables",
    [
        {"name": 'é "q" \\ \n \t \x7f', "on": True, "n": 3, "rate": 1e-05, "list": [[1, 2], []]},
        {"a b": 1, "": "x", "table": {"c.d": {"min": 0.5, "e f": ["g"]}, "h": False}},
    ],
)
def test_what_is_written_is_read_again(tables: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(tables)) == tables


def test_comments_are_of_keys_that_are_there() -> None:
    tables = on_rows().as_given()
    assert set(COMMENTS) <= {*tables, *flat(tables)}


def test_long_tables_take_larger_batches_and_fewer_trials() -> None:
    experiments = [on_rows(rows) for rows in (1000, 10_000, 100_000, 1_000_000)]
    assert [e.hypermodel.layers for e in experiments] == [(1, 2)] * 2 + [(1, 3)] * 2
    searches = [experiment.search for experiment in experiments]
    assert [search.batch_size for search in searches] == [32, 128, 512, 2048]
    assert [search.max_trials for search in searches] == [100, 100, 50, 20]
    assert [e.final and e.final.ensemble for e in experiments] == [20, 20, 10, 10]


@pytest.mark.parametrize("separator", [",", ";"])
def test_rows_are_guessed_within_a_factor_of_four(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "rows.csv"
    line = separator.join(["1.2345", "red", "0"]) + "\n"
    path.write_text(separator.join("abc") + "\n" + line * 3000)
    assert 750 < rows_about(open_table(path, separator=separator)) < 12000


def test_the_file_repeats_the_search(in_tmp: Path) -> None:
    changed = on_rows(drop=["z"], separator=";").with_settings({"search.epochs": 3})
    (in_tmp / "sub").mkdir()
    path = in_tmp / "sub" / "again.toml"
    path.write_text(experiment_text(changed, path.parent))
    again = Experiment.load(path)
    assert again.dataset.source == "../rows.csv"
    assert again.search.epochs == 3
    assert again.identity_settings() == changed.identity_settings()


class TestSaving:
    def test_it_is_written_once(self, in_tmp: Path) -> None:
        SavedExperiment.of("a.toml", on_rows()).write()
        again = SavedExperiment.of("a.toml", on_rows())  # as after an interruption
        assert again.is_there
        again.write()
        with pytest.raises(InputError, match=r"--save a\.toml: there already"):
            SavedExperiment.of("a.toml", on_rows(drop=["x"]))

    def test_a_file_that_came_meanwhile_stays(self, in_tmp: Path) -> None:
        saved = SavedExperiment.of("a.toml", on_rows())
        Path("a.toml").write_text("mine")
        with pytest.raises(InputError, match=r"a\.toml cannot be written: File exists"):
            saved.write()
        assert Path("a.toml").read_text() == "mine"

    def test_a_folder_that_is_not_there(self, in_tmp: Path) -> None:
        with pytest.raises(InputError, match="there is no folder nowhere to write to"):
            SavedExperiment.of("nowhere/a.toml", on_rows())


def test_options_are_keys_of_the_data_set(in_tmp: Path) -> None:
    Path("my rows.csv").write_text("x;y\n")
    options = dict.fromkeys(("positive", "group", "time", "test_source", "encoding", "name"))
    given = {"data": "my rows.csv", "target": "y", "drop": ("x",), "categorical": ()}
    flags = {"separator": ";", "drop_missing_target": True, "group_duplicates": False}
    every = {**options, **given, **flags, "other": 1}
    table = TableOptions.of(every)
    assert every == {"other": 1}
    experiment = table.experiment(None, "tune")
    assert experiment.name == "my-rows"
    assert experiment.dataset == DatasetSettings.model_validate(
        {
            "source": "my rows.csv",
            "target": "y",
            "drop": ["x"],
            "separator": ";",
            "drop_missing_target": True,
        }
    )


FILE = {"source": "rows.csv", "target": "y"}


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ({"source": "rows.csv"}, "'dataset.target': it is missing; a file needs it: target = "),
        (FILE | {"params": {"n": 1}}, "'dataset.params': {n = 1} came; allowed: no such table"),
        (FILE | {"split": "time"}, "'dataset.split': 'time' came; allowed: it goes with time = "),
        (
            FILE | {"time": "t", "split": "first"},
            "'dataset.split': 'first' came; allowed: \"time\"",
        ),
        (FILE | {"drop": ["y"]}, "'dataset.drop': ['y'] came; allowed: columns that are not named"),
        (FILE | {"drop": [1]}, "'dataset.drop': [1] came; allowed: a list of different strings"),
        (FILE | {"group": "g", "split": "first"}, 'no such key with split = "first", which takes'),
        (FILE | {"group": "g", "validation": "last"}, "'dataset.validation': 'last' came; allowed"),
        (FILE | {"test_source": "t.csv", "split": "first"}, "the test rows are those of test_sou"),
        (FILE | {"test_source": "t.csv", "test_size": 0.5}, "'dataset.test_size': 0.5 came"),
        (FILE | {"test_source": "t.txt"}, "'t.txt' came; allowed: a file: a path that ends in"),
        (FILE | {"separator": ""}, "'' came; allowed: one character, such as ';'"),
        (FILE | {"positive": ["a"]}, "['a'] came; allowed: a label: a string in quotes, a number"),
        (FILE | {"group_duplicates": 1}, "1 came; allowed: true or false"),
    ],
)
def test_keys_of_a_file_that_cannot_be(dataset: dict[str, Any], said: str) -> None:
    with pytest.raises(ExperimentError) as refusal:
        on_rows().with_settings({"dataset": dataset})
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_defaults_follow_from_what_rows_have() -> None:
    by_time = DatasetSettings.model_validate(FILE | {"time": "t"})
    assert (by_time.split, by_time.validation, by_time.test_size) == ("time", "last", 0.25)
    apart = DatasetSettings.model_validate(FILE | {"test_source": "t.csv"})
    assert (apart.split, apart.validation, apart.test_size) == ("none", "stratified", 0.0)


def test_a_file_may_be_moved() -> None:
    moved = on_rows().with_settings({"dataset.source": "elsewhere/rows.parquet"})
    assert moved.identity_settings() == on_rows().identity_settings()
    builtin = {"name": "a", "dataset": {"source": "iris"}, "hypermodel": {"units": [[2, 8]]}}
    assert Experiment.from_dict(builtin).identity_settings()["dataset.source"] == "iris"


@pytest.mark.parametrize("command", ["tune", "describe"])
def test_rows_are_refused_before_there_is_anything(
    in_tmp: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    Path("rows.csv").write_text("x,y\n1,1\n")
    assert run([command, "--data", "rows.csv", "--target", "y"]) == 2
    line = "error: rows.csv: 1 row came; at least 20 are needed: add rows\n"
    assert capsys.readouterr() == ("", line)
    assert [path.name for path in in_tmp.iterdir()] == ["rows.csv"]


@pytest.mark.parametrize(
    "keys",
    [
        {
            "drop": ["a"],
            "categorical": ["b"],
            "positive": 1,
            "separator": ";",
            "encoding": "cp1252",
        },
        {"time": "t", "drop_missing_target": True},
        {"test_source": "t.csv", "time": "t"},
        {"group": "g", "group_duplicates": True},
    ],
)
def test_what_a_journal_keeps_is_the_same_experiment(keys: dict[str, Any]) -> None:
    experiment = on_rows().with_settings({"dataset": FILE | keys})
    kept = json.loads(json.dumps(experiment.resolved()))
    assert Experiment.from_dict(kept).resolved() == experiment.resolved()
