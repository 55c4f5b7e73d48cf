"""The experiment file: what is read from it, and the line that says what is wrong with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trialstack.errors import ExperimentError, InputError, NotBuiltError
from trialstack.experiment import Experiment, MLPSettings, NumberRange, parse_setting
from trialstack.experiment.load import load_experiment
from trialstack.trials import Objective

EXPERIMENTS = Path(__file__).parents[1] / "experiments"

RINGS: dict[str, Any] = {
    "name": "rings",
    "dataset": {"source": "circles"},
    "hypermodel": {"units": [[2, 8]]},
    "search": {"epochs": 5},
}

OWN_CLASS = {"name": "own", "dataset": {"source": "iris"}, "hypermodel": {"type": "models:Own"}}


def rings(**settings: Any) -> Experiment:
    """The experiment above with keys set; `__` stands for the dot."""
    changed = {key.replace("__", "."): value for key, value in settings.items()}
    return Experiment.from_dict(RINGS, "rings.toml").with_settings(changed)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "e.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_defaults_are_filled_in() -> None:
    assert Experiment.from_dict(RINGS).resolved() == {
        "name": "rings",
        "description": "",
        "dataset": {
            "source": "circles",
            "split": "stratified",
            "test_size": 0.25,
            "validation": "stratified",
            "validation_size": 0.25,
            "seed": 42,
            "params": {"n_samples": 1000, "noise": 0.03, "factor": 0.8, "seed": 42},
        },
        "hypermodel": {
            "type": "mlp",
            "units": [[2, 8]],
            "tapering": False,
            "standardize": True,
        },
        "search": {
            "algorithm": "random",
            "max_trials": 100,
            "objective": "val_auc",
            "direction": "max",
            "epochs": 5,
            "batch_size": 32,
            "final_epochs": "best",
            "executor": "auto",
            "parallel_trials": "auto",
            "seed": 42,
            "max_retries": 0,
        },
    }


def test_resolved_reads_back_as_itself() -> None:
    experiment = rings(
        hypermodel__learning_rate={"min": 1e-4, "max": 1e-2, "sampling": "log"},
        hypermodel__batch_normalization=[False, True],
        baseline={"units": [100, 100]},
    )
    assert Experiment.from_dict(experiment.resolved()).resolved() == experiment.resolved()


def test_identity_leaves_out_what_may_change_between_runs() -> None:
    first = rings().identity_settings()
    same = rings(name="other", description="x", search__max_trials=7, search__executor="one-by-one")
    assert same.identity_settings() == first
    assert first["dataset.params.noise"] == 0.03
    assert not {"name", "description", "search.max_trials", "search.executor"} & set(first)
    assert rings(search__parallel_trials=4).identity_settings() != first
    assert rings(dataset__params__noise=0.1).identity_settings() != first


def test_an_experiment_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        rings().search.epochs = 7  # type: ignore[misc]


def test_scalar_is_fixed_list_is_choice_table_is_range() -> None:
    mlp = rings(
        hypermodel__l1=0.1,
        hypermodel__l2=[0, 1e-3],
        hypermodel__dropout={"min": 0, "max": 0.5, "step": 0.1},
        hypermodel__units=[16, [2, 8]],
        hypermodel__activation="tanh",
        hypermodel__optimizer=["adam", "sgd"],
    ).hypermodel
    assert isinstance(mlp, MLPSettings)
    assert mlp.l1 == (0.1,)
    assert mlp.l2 == (0.0, 0.001)
    assert mlp.dropout == NumberRange(min=0, max=0.5, step=0.1)
    assert mlp.units == ((16, 16), (2, 8))
    assert mlp.activation == ("tanh",)
    assert mlp.optimizer == ("adam", "sgd")
    assert mlp.learning_rate is None


def test_one_range_serves_all_layers() -> None:
    mlp = rings(hypermodel__layers=[1, 3]).hypermodel
    assert isinstance(mlp, MLPSettings)
    assert mlp.widths == ((2, 8), (2, 8), (2, 8))


@pytest.mark.parametrize(
    ("objective", "direction"),
    [("val_auc", "max"), ("val_loss", "min"), ("accuracy", "max")],
)
def test_direction_of_known_objectives(objective: str, direction: str) -> None:
    assert rings(search__objective=objective).objective == Objective(objective, direction)


def test_direction_of_an_unknown_objective_must_be_given() -> None:
    own = Experiment.from_dict(OWN_CLASS, "own.toml")
    given = {"search.objective": "val_profit", "search.direction": "max"}
    assert own.with_settings(given).objective == Objective("val_profit", "max")
    with pytest.raises(ExperimentError, match=r"'search\.direction': it is missing"):
        own.with_settings({"search.objective": "val_profit"})


def test_no_test_rows_means_no_test_size() -> None:
    assert rings(dataset__split="none").dataset.test_size == 0
    assert rings(dataset__split="none", dataset__test_size=0).dataset.test_size == 0


WRONG: list[tuple[str, Any, str]] = [
    ("search.patience", -1, "-1 came; allowed: an integer from 1"),
    ("search.patience", 0, "0 came; allowed: an integer from 1"),
    ("search.patience", True, "true came; allowed: an integer from 1"),
    ("search.patience", 1.5, "1.5 came; allowed: an integer from 1"),
    ("search.patience", "5", "'5' came; allowed: an integer from 1"),
    ("search.epochs", 2**40, "1099511627776 came; allowed: an integer from 1 to 2147483647"),
    ("search.batch_size", 0, "0 came; allowed: an integer from 1"),
    ("search.max_trials", 0, "0 came; allowed: an integer from 1"),
    ("search.max_retries", -1, "-1 came; allowed: an integer from 0"),
    ("search.seed", -1, "-1 came; allowed: an integer from 0"),
    ("search.parallel_trials", "many", "'many' came; allowed: 'auto' or an integer from 1"),
    ("search.algorithm", "randm", "'randm' came; allowed: random; did you mean 'random'?"),
    ("search.executor", "fast", "'fast' came; allowed: auto, one-by-one, stacked"),
    ("search.final_epochs", 3, "3 came; allowed: best, run"),
    ("search.objective", "", "'' came; allowed: a metric as Keras logs it, such as 'val_auc'"),
    (
        "search.objective",
        "val_f1",
        "'val_f1' came; allowed: val_auc, val_accuracy, val_loss, auc, accuracy, loss",
    ),
    ("search.direction", "min", "'min' came; allowed: 'max' for 'val_auc', or no such key"),
    ("search.pateince", 5, "no such key; allowed: algorithm, "),
    ("search.pateince", 5, "; did you mean 'patience'?"),
    ("search", 3, "3 came; allowed: a table with the keys algorithm, "),
    ("searhc", {}, "; did you mean 'search'?"),
    ("dataset.test_size", 2, "2 came; allowed: a number from 0 to below 1"),
    ("dataset.test_size", 0, "0.0 came; allowed: a number above 0 and below 1 (no test rows: "),
    ("dataset.test_size", float("nan"), "nan came; allowed: a number from 0 to below 1"),
    ("dataset.validation_size", 1, "1 came; allowed: a number from 0 to below 1"),
    ("dataset.split", "frist", "'frist' came; allowed: stratified, first, time, none; did you"),
    ("dataset.source", "circels", "; did you mean 'circles'?"),
    ("dataset.source", ["circles"], "['circles'] came; allowed: a built-in data set: "),
    ("dataset.target", "y", "'y' came; allowed: no such key: a built-in data set has its own"),
    ("dataset.drop", ["x"], "['x'] came; allowed: no such key: it is for a source that is a file"),
    ("dataset.split", "time", "'time' came; allowed: it goes with a file and time = \"column\""),
    ("dataset.source", "rows.xlsx", "or a file: a path that ends in .csv, .csv.gz, .parquet"),
    ("dataset.seed", 2**32, "4294967296 came; allowed: an integer from 0 to 4294967295"),
    ("dataset.params.nois", 1, "no such parameter; allowed: n_samples, noise, factor, seed; did"),
    ("dataset.params.noise", "much", "'much' came; allowed: a number from 0"),
    ("dataset.params.noise", -0.1, "-0.1 came; allowed: a number from 0"),
    ("dataset.params.noise", 1e300, "1e+300 came; allowed: a number from 0 to 1000000"),
    ("dataset.params.n_samples", 0, "0 came; allowed: an integer from 1"),
    ("dataset.params.n_samples", 5.0, "5.0 came; allowed: an integer from 1"),
    ("dataset.params.n_samples", 4 * 10**9, "came; allowed: an integer from 1 to 10000000"),
    ("dataset.params.factor", 1.0, "1.0 came; allowed: a number from 0 to below 1"),
    ("dataset.params.factor", 1.5, "1.5 came; allowed: a number from 0 to below 1"),
    ("dataset.params.seed", 2**32, "came; allowed: an integer from 0 to 4294967295"),
    ("dataset.params", 1, "1 came; allowed: a table without nan and inf"),
    ("hypermodel.type", "cnn", "'cnn' came; allowed: 'mlp', or a class of yours as 'package."),
    ("hypermodel.units", [[99, 25]], "[99, 25] came; allowed: an integer from 1 to 100000, or"),
    ("hypermodel.units", [[0, 5]], "[0, 5] came; allowed: an integer from 1 to 100000, or"),
    ("hypermodel.units", [[1, 5, 2]], "[1, 5, 2] came; allowed: an integer from 1 to 100000, or"),
    ("hypermodel.units", [True], "true came; allowed: an integer from 1 to 100000, or"),
    ("hypermodel.units", [], "[] came; allowed: a list with an integer or a range"),
    ("hypermodel.units", 64, "64 came; allowed: a list with an integer or a range"),
    (
        "hypermodel.units",
        [[1, 10**9]],
        "1000000000] came; allowed: an integer from 1 to 100000, or",
    ),
    ("hypermodel.layers", [3, 1], "[3, 1] came; allowed: an integer from 1 to 100, or a range"),
    ("hypermodel.layers", [1, 10**9], "1000000000] came; allowed: an integer from 1 to 100, or a"),
    ("hypermodel.tapering", 1, "1 came; allowed: true or false"),
    ("hypermodel.l1", -0.1, "-0.1 came; allowed: a number from 0, a list of different such"),
    ("hypermodel.l1", [], "[] came; allowed: a number from 0, a list of different such"),
    ("hypermodel.l1", [0, 0.0], "[0, 0.0] came; allowed: a number from 0, a list of different"),
    ("hypermodel.l2", float("inf"), "inf came; allowed: a number from 0"),
    ("hypermodel.l2", 10**400, "10000"),
    ("hypermodel.dropout", 1, "1 came; allowed: a number from 0 to below 1"),
    ("hypermodel.learning_rate", 0, "0 came; allowed: a number above 0"),
    ("hypermodel.learning_rate", {"min": 1, "max": 1}, "{min = 1, max = 1} came; allowed: "),
    ("hypermodel.learning_rate", {"min": 1}, "{min = 1} came; allowed: "),
    ("hypermodel.learning_rate", {"min": 1, "max": 2, "stp": 1}, "{min = 1, max = 2, stp = 1}"),
    ("hypermodel.learning_rate", {"min": 1, "max": 2, "step": 5}, "step = 5} came"),
    ("hypermodel.l1", {"min": 0, "max": 1, "sampling": "log"}, "'log'} came; allowed: "),
    ("hypermodel.activation", "rleu", "; did you mean 'relu'?"),
    ("hypermodel.activation", ["relu", 3], "['relu', 3] came; allowed: one or a list of relu"),
    ("hypermodel.activation", ["relu", "relu"], "came; allowed: a name or a list of different"),
    ("hypermodel.optimizer", "Adam", "; did you mean 'adam'?"),
    ("hypermodel.batch_normalization", [True], "[true] came; allowed: true, false, or [true,"),
    ("hypermodel.batch_normalization", [1, 0], "[1, 0] came; allowed: true, false, or [true,"),
    ("hypermodel", "mlp", "'mlp' came; allowed: a table with the keys type, units, "),
    ("baseline", {"units": [0]}, "'baseline.units': [0] came; allowed: a list of integers from 1"),
    (
        "baseline",
        {"units": [10**9]},
        "[1000000000] came; allowed: a list of integers from 1 to 100",
    ),
    ("baseline", {}, "'baseline.units': it is missing; add it, such as units = [100, 100]"),
    ("baseline", {"units": [], "learning_rate": 0}, "'baseline.learning_rate': 0 came; allowed"),
    ("name", "", "'' came; allowed: 1 to 60 letters"),
    ("name", "a/b", "'a/b' came; allowed: 1 to 60 letters"),
    ("name", "..", "'..' came; allowed: 1 to 60 letters"),
    ("name", "a..b", "'a..b' came; allowed: 1 to 60 letters"),
    ("name", "a\nb", "'a\\nb' came; allowed: 1 to 60 letters"),
    ("name", "breast cancer", "'breast cancer' came; allowed: 1 to 60 letters"),
    ("name", "a" * 61, "... came; allowed: 1 to 60 letters"),
    ("description", 3, "3 came; allowed: a string in quotes"),
]


@pytest.mark.parametrize(("key", "value", "said"), WRONG)
def test_a_wrong_value_is_told_in_one_line(key: str, value: Any, said: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        rings().with_settings({key: value})
    line = str(caught.value)
    assert line.startswith(f"command line: key '{key}")
    assert said in line
    assert "\n" not in line
    assert "pydantic" not in line


NOT_BUILT: list[tuple[str, Any, str]] = [
    ("search.algorithm", "hyperband", "'hyperband' is not built yet; there is: random"),
    ("search.algorithm", "bayesian", "'bayesian' is not built yet; there is: random"),
    ("search.algorithm", "grid", "'grid' is not built yet; there is: random"),
    ("search.executor", "ray", "'ray' is not built yet; there is: auto, one-by-one, stacked"),
]


@pytest.mark.parametrize(("key", "value", "said"), NOT_BUILT)
def test_what_is_not_built_says_what_is(key: str, value: Any, said: str) -> None:
    with pytest.raises(NotBuiltError) as caught:
        rings().with_settings({key: value})
    assert str(caught.value).startswith(f"command line: key {key!r}: ")
    assert said in str(caught.value)


def test_a_key_of_the_file_is_told_with_the_file() -> None:
    with pytest.raises(ExperimentError, match=r"^rings\.toml: key 'search\.objective': 'val_auc'"):
        rings(dataset__validation_size=0)


def test_a_key_is_told_with_where_it_came_from() -> None:
    given = Experiment.from_dict(RINGS, "rings.toml")
    changed = given.with_settings({"dataset.params.noise": 0.1, "baseline": {"units": []}})
    assert {
        key: changed.place_of(key)
        for key in ("dataset.params.noise", "dataset.params", "baseline.units", "dataset", "name")
    } == {
        "dataset.params.noise": "command line",
        "dataset.params": "command line",  # the file has no such table
        "baseline.units": "command line",
        "dataset": "rings.toml",
        "name": "rings.toml",
    }
    again = changed.with_settings({"name": "x"})
    assert again.place_of("baseline") == again.place_of("name") == "command line"
    with pytest.raises(ExperimentError, match=r"^command line: key 'search\.a': no such key"):
        given.with_settings({"search.a.b": 1})
    with pytest.raises(ExperimentError, match=r"^rings\.toml: key 'a': no such key"):
        Experiment.from_dict(RINGS | {"a": {}}, "rings.toml").with_settings({"a.b": 1})


def test_tables_that_fit_no_memory_are_refused() -> None:
    blobs = Experiment.from_dict(RINGS | {"dataset": {"source": "blobs"}})
    blobs.with_settings({"dataset.params.n_samples": 10**7})
    said = r"params\.n_samples': 10000000 came; .* up to 100000000, not 10000000 x \(8 \+ 3\)$"
    with pytest.raises(ExperimentError, match=said):
        blobs.with_settings({"dataset.params": {"n_samples": 10**7, "n_features": 8}})
    with pytest.raises(ExperimentError, match=r"params\.n_features': 100000 came; allowed: "):
        blobs.with_settings({"dataset.params.n_features": 100_000})


def test_several_problems_are_counted() -> None:
    with pytest.raises(ExperimentError, match=r"tapering': 3 came.*\(2 more problems\)$"):
        rings(search__epochs=0, search__patience=0, hypermodel__tapering=3).resolved()
    with pytest.raises(ExperimentError, match=r"'search\.x': no such key.*\(1 more problem\)$"):
        rings(search__x=1, search__y=1)


@pytest.mark.parametrize("key", ["name", "dataset", "hypermodel"])
def test_what_must_be_there_is_shown(key: str) -> None:
    without = {k: v for k, v in RINGS.items() if k != key}
    with pytest.raises(ExperimentError, match=f"^f: key '{key}': it is missing; add it, such as "):
        Experiment.from_dict(without, "f")


def test_tapering_needs_room() -> None:
    units = [[25, 99], [25, 98]]
    with pytest.raises(ExperimentError, match=r"a lower bound of layer 2 below .* \(25\)"):
        rings(hypermodel__units=units, hypermodel__tapering=True)
    rings(hypermodel__units=units, hypermodel__tapering=False)
    rings(hypermodel__units=[[25, 99], [24, 98]], hypermodel__tapering=True)


def test_layers_and_units_must_fit() -> None:
    with pytest.raises(ExperimentError, match="one range for all layers, or 3: as many as"):
        rings(hypermodel__units=[[2, 8], [2, 8]], hypermodel__layers=[1, 3])


def test_a_class_of_the_users_own_has_no_mlp_keys() -> None:
    with pytest.raises(ExperimentError, match=r"'hypermodel\.units': no such key; allowed: type"):
        rings(hypermodel__type="models:Own")
    own = Experiment.from_dict(OWN_CLASS).with_settings({"hypermodel.params.width": 3})
    assert own.resolved()["hypermodel"] == {"type": "models:Own", "params": {"width": 3}}


FILES: list[tuple[str | bytes, str]] = [
    ("name = ", "line 1: Invalid value"),
    ("\n\nname == 'x'", "line 3, column 7: Invalid value"),
    ("name = 'x'\nname = 'y'", "line 2: Cannot overwrite a value"),
    ("[search]\n[search]", "line 2, column 8: Cannot declare"),
    ("a = 1\nname = 'x", "line 2: Expected"),
    (b"name = 'a'\n# \xe9", "line 2: not UTF-8"),
    ("x = " + "[" * 5000, "nested too deeply"),
    ("", "key 'name': it is missing"),
]


@pytest.mark.parametrize(("content", "said"), FILES)
def test_a_file_that_is_no_experiment(write: Any, content: str | bytes, said: str) -> None:
    path = write(content)
    with pytest.raises(InputError) as caught:
        Experiment.load(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert said in line
    assert "\n" not in line


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"e\.toml: no such file"):
        Experiment.load(tmp_path / "e.toml")
    with pytest.raises(ExperimentError, match="a folder came"):
        Experiment.load(tmp_path)


def test_a_byte_order_mark_is_no_problem(write: Any) -> None:
    text = 'name = "x"\n[dataset]\nsource = "iris"\n[hypermodel]\nunits = [4]\n'
    experiment = Experiment.load(write(b"\xef\xbb\xbf" + text.encode()))
    assert experiment.name == "x"
    assert experiment.where.endswith("e.toml")
    assert experiment.folder.is_absolute()


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("search.patience=5", ("search.patience", 5)),
        ("dataset.test_size = 0.5", ("dataset.test_size", 0.5)),
        ("hypermodel.tapering=false", ("hypermodel.tapering", False)),
        ("search.executor=one-by-one", ("search.executor", "one-by-one")),
        ('name="a b"', ("name", "a b")),
        ("hypermodel.type=models:Own", ("hypermodel.type", "models:Own")),
        ("hypermodel.l1={min=0, max=1}", ("hypermodel.l1", {"min": 0, "max": 1})),
    ],
)
def test_settings_are_toml(text: str, setting: tuple[str, Any]) -> None:
    assert parse_setting(text) == setting


@pytest.mark.parametrize("text", ["search.patience", "=5", "a b=5", "x=", "x=[1, 2", "x=1\ny=2"])
def test_a_setting_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ExperimentError, match=r"^--set .*wanted: "):
        parse_setting(text)


def test_a_setting_below_a_value_is_refused() -> None:
    with pytest.raises(ExperimentError, match="'name' is a value, not a table"):
        Experiment.from_dict(RINGS).with_settings({"name.first": "x"})


def test_settings_do_not_change_what_they_started_from() -> None:
    first = Experiment.from_dict(RINGS)
    first.with_settings({"search.epochs": 9})
    assert first.search.epochs == 5
    assert RINGS["search"] == {"epochs": 5}


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_our_experiments_load(path: Path) -> None:
    assert load_experiment(path).name.replace("-", "_") == path.stem


def test_the_tutorials_search_has_the_tutorials_settings() -> None:
    raw = Experiment.load(EXPERIMENTS / "breast_cancer_raw.toml")
    assert isinstance(raw.hypermodel, MLPSettings)
    assert raw.hypermodel.units == ((25, 99), (20, 98))
    assert raw.hypermodel.l1 == raw.hypermodel.l2 == (0, 1e-15, 1e-10, 1e-5, 1e-3, 1e-2, 1e-1)
    assert (raw.hypermodel.tapering, raw.hypermodel.standardize) == (True, False)
    assert (raw.search.patience, raw.search.batch_size, raw.search.epochs) == (10, 96, 50)
    assert (raw.search.final_epochs, raw.dataset.validation) == ("run", "last")


def test_reading_imports_nothing_heavy() -> None:
    code = (
        "import sys; from trialstack.experiment import Experiment; "
        f"Experiment.load({str(EXPERIMENTS / 'breast_cancer.toml')!r}); "
        "heavy = {'tensorflow', 'keras', 'keras_tuner', 'pandas', 'sklearn', 'scipy', 'mlflow', "
        "'matplotlib'}; print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
