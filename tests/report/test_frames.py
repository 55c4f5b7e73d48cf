from __future__ import annotations

import json
import subprocess
import sys

import pytest

import trialstack
from trialstack.cli import run
from trialstack.errors import InputError


def test_leaderboard_of_a_search(written) -> None:
    frame = trialstack.leaderboard(f"rings@{written.ids['search']}", tracking_uri=written.uri)
    assert list(frame.columns) == [
        *(
            "rank",
            "trial",
            "trial_id",
            "best_val_auc",
            "best_epoch",
            "epochs_run",
            "seconds",
            "status",
        ),
        *("units_1", "rate", "shuffle", "reason", "run_id"),
    ]
    assert frame["trial"].tolist() == [1, 2, 0, 4, 3, 5]
    assert frame["trial_id"].tolist() == ["01", "02", "00", "04", "03", "05"]
    assert frame["rank"].tolist()[:4] == [1, 2, 3, 4]
    assert frame["rank"].isna().tolist() == [False] * 4 + [True] * 2
    assert frame["units_1"].tolist() == [16, 4, 8, 6, 2, 9]
    assert frame["reason"].tolist()[4] == "ValueError: no width"
    assert frame["run_id"][0] == written.ids["trial/01"]


def test_comparison_of_a_search(written) -> None:
    frame = trialstack.compare(f"rings@{written.ids['search']}", top=1, tracking_uri=written.uri)
    assert frame["kind"].tolist() == ["trial", "baseline", "final"]
    assert frame["test_auc"].isna().tolist() == [True, False, False]
    assert frame["test_auc"].tolist()[1:] == [0.875, 1.0]
    assert frame["test_auc_ci_low"][1] < 0.875 < frame["test_auc_ci_high"][1]
    assert frame["units_1"].tolist() == [16, 4, 16]
    assert "rate" not in frame
    assert "data" not in frame
    (test,) = frame.attrs["paired_tests"]
    assert test["new"] == written.ids["final"]
    assert test["auc_difference"] == 0.125
    assert set(frame.attrs["links"]) == {"compare", "curves", "trials", "search"}


def test_comparison_of_chosen_runs(written) -> None:
    chosen = [written.ids["final"], written.ids["moons/final"]]
    frame = trialstack.compare(chosen, tracking_uri=written.uri)
    assert frame["experiment"].tolist() == ["rings", "moons"]
    assert frame["data"].tolist() == ["A", "B"]
    (pair,) = frame.attrs["not_tested"]
    assert pair["reason"] == "other test rows"


def test_no_trials_at_the_top_is_refused(written) -> None:
    with pytest.raises(InputError, match="top: 0 came"):
        trialstack.compare("rings", top=0, tracking_uri=written.uri)


@pytest.fixture
def command(in_folder_of, capsys):
    def command(*arguments: str) -> tuple[int, str, str]:
        code = run(["compare", *arguments])
        return code, *capsys.readouterr()

    return command


def test_json_is_one_object_with_the_documented_keys(command, written) -> None:
    code, out, err = command(f"rings@{written.ids['search'][:9]}", "--json", "--top", "2")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert set(found) == {
        *("tracking_uri", "search", "runs", "differing", "paired_tests", "not_tested", "links")
    }
    assert found["search"]["trials"] == (
        {"finished": 4, "failed": 1, "running": 0, "killed": 1, "max": 6}
    )
    assert found["search"]["run_id"] == written.ids["search"]
    assert len(found["runs"]) == 4
    trial, _, baseline, _ = found["runs"]
    assert (trial["rank"], trial["score"], trial["best_epoch"], trial["test"]) == (
        1,
        0.875,
        3,
        None,
    )
    assert trial["hyperparameters"]["units_1"] == 16
    assert baseline["test"]["rows"] == 8
    assert len(baseline["test"]["auc_ci"]) == 2
    assert found["paired_tests"][0]["accuracy_p"] == 0.5


def test_tables_for_a_person(command, written) -> None:
    code, out, err = command(f"rings@{written.ids['search']}", "--top", "2")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    short = written.ids["search"][:8]
    assert lines[0] == f"rings · first ({short}): best 2 of 6 trials, 1 failed, 1 broken off"
    assert lines[2].split() == ["trial", "val_auc", "epochs", "time", "units_1", "shuffle"]
    assert lines[4].split() == ["1", "001", "0.8750", "5", "4.0", "s", "16", "true"]
    assert "Only the baseline: standardize false (all others true)" in lines
    assert "On 8 sealed test rows" in lines
    scores = [line for line in lines if line.startswith(("baseline  ", "final  "))]
    assert scores[0].startswith("baseline  0.8750 (0.")
    assert max(map(len, scores)) <= 80
    assert "difference in AUC 0.1250, 95 % interval" in out
    assert "Accuracy: only final right on 2 rows" in out
    assert "  search:      http://127.0.0.1:5000/#/experiments/" in out


def test_a_search_that_runs_says_so(command) -> None:
    code, out, _ = command("moons")
    assert code == 0
    assert "still running): best 1 of 2 trials so far (6 in all), 1 running" in out


def test_different_data_are_told_apart(command, written) -> None:
    ids = written.ids
    chosen = ",".join([ids["final"], ids["moons/final"]])
    code, out, _ = command("--runs", chosen)
    assert code == 0
    assert "Not comparable: scores of different data" in out
    assert "  A  rings (dddddddd)\n  B  moons (eeeeeeee)\n" in out
    assert (
        f"Not tested: final {ids['moons/final'][:8]} against final {ids['final'][:8]}: "
        "other test rows"
    ) in out


def test_what_does_not_fit_beside_two_experiments_stands_below_the_runs(
    command, written, monkeypatch
) -> None:
    monkeypatch.setattr("trialstack.tables.Console.is_terminal", True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "44")
    ids = [written.ids["final"], written.ids["moons/final"]]
    code, out, _ = command("--runs", ",".join(ids))
    assert code == 0
    rows = [line for line in out.splitlines() if line.startswith(f"{ids[0][:8]}  final")]
    assert len(rows) > 1
    assert [row.split()[2] == "rings" for row in rows] == [True, *[False] * len(rows[1:])]
    assert max(map(len, rows)) <= 44


def test_csv_goes_to_a_file_or_to_stdout(command, tmp_path) -> None:
    code, out, _ = command("rings", "--csv")
    assert code == 0
    assert out.startswith("experiment,kind,name,rank,objective,score")
    code, _, err = command("rings", "--csv", str(tmp_path / "a.csv"))
    assert (code, err) == (0, f"{tmp_path}/a.csv is written\n")
    assert (tmp_path / "a.csv").read_text() == out
    code, _, err = command("rings", "--csv", str(tmp_path))
    assert code == 2
    assert err == f"error: --csv {tmp_path}: Is a directory; give another file\n"


def test_tensorflow_is_never_imported(written) -> None:
    script = (
        "import sys; from trialstack.cli import run; code = run(sys.argv[1:]);"
        "print(code, {'tensorflow', 'keras', 'keras_tuner', 'matplotlib'} & {*sys.modules})"
    )
    command = ["compare", "rings", "--json", "--tracking-uri", written.uri]
    done = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, text=True, check=True
    )
    document, result = done.stdout.splitlines()
    assert json.loads(document)["search"]["experiment"] == "rings"
    assert (result, done.stderr) == ("0 set()", "")


def test_refusals_are_one_line_with_code_2(command, written) -> None:
    for arguments, part in (
        (["rigns"], "did you mean 'rings'?"),
        (["Default"], "holds no search"),
        (["broken"], "no finished trial"),
        (["--runs", f"{written.ids['final']},nowhere"], "'nowhere'"),
        (["rigns", "--runs", f"{written.ids['final']},{written.ids['search']}"], "'rigns'"),
    ):
        code, out, err = command(*arguments)
        assert (code, out) == (2, ""), arguments
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert part in err
