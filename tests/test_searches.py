from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trialstack import searches
from trialstack.errors import InputError, JournalError, SearchHeldError
from trialstack.experiment import Experiment
from trialstack.searches import (
    DONE,
    OpenSearch,
    choose_search,
    differing,
    folder_name,
    held,
    open_search,
    searches_of,
)
from trialstack.tuners.journal import FILE_NAME

RINGS = Experiment.from_dict(
    {"name": "rings", "dataset": {"source": "circles"}, "hypermodel": {"units": [[2, 8]]}}
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "rings"
    folder.mkdir()
    return folder


def rings(trials: int = 100, **settings: Any) -> Experiment:
    return RINGS.with_settings({"search.max_trials": trials, **settings})


def opened(home: Path, trials: int = 100, digest: str = "d1", **options: Any) -> OpenSearch:
    return open_search(home, rings(trials), digest, **options)


def train(search: OpenSearch, trials: int) -> None:
    for number in range(trials):
        search.journal.append("asked", trial_id=str(number), number=number)
        search.journal.append("finished", trial_id=str(number))


def finish(search: OpenSearch, trials: int | None = None) -> None:
    train(search, search.max_trials)
    search.journal.append("closed", trials=search.max_trials, reason="max_trials")
    search.journal.append("stage", name=DONE, data={"max_trials": trials or search.max_trials})


class TestNames:
    def test_ordinary_names_are_kept(self) -> None:
        assert [folder_name(name) for name in ("breast-cancer", "a.b_c", "Größe 1"[:5])] == [
            "breast-cancer",
            "a.b_c",
            "Größe",
        ]

    def test_others_are_safe_and_stay_different(self) -> None:
        names = ["a/b", "a b", "a:b", "../a", ".a", "..", ".", "a\nb", "/a", "a\\b", "~"]
        folders = [folder_name(name) for name in names]
        assert len(set(folders)) == len(names)
        for folder in folders:
            assert re.fullmatch(r"[\w-][\w.-]*", folder)

    def test_searches_are_listed_oldest_first(self, tmp_path: Path) -> None:
        with held(tmp_path, "rings") as home:
            made = [opened(home, fresh=True).folder for _ in range(12)]
        assert searches_of(tmp_path, "rings") == made
        assert searches_of(tmp_path, "others") == []


class TestLock:
    def test_a_second_holder_is_told_who_the_first_is(self, tmp_path: Path) -> None:
        with (
            held(tmp_path, "rings") as home,
            pytest.raises(SearchHeldError) as raised,
            held(tmp_path, "rings"),
        ):
            pytest.fail("held twice")
        assert home == tmp_path / "rings"
        assert raised.value.exit_code == 3
        assert f"process {os.getpid()} on {socket.gethostname()} (since " in str(raised.value)
        assert "\n" not in str(raised.value)

    def test_other_experiments_are_free_and_so_is_this_one_afterwards(self, tmp_path: Path) -> None:
        with held(tmp_path, "rings"), held(tmp_path, "moons"):
            pass
        with held(tmp_path, "rings"):
            pass

    def test_it_is_let_go_after_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeError), held(tmp_path, "rings"):
            raise RuntimeError
        with held(tmp_path, "rings"):
            pass

    def test_another_process_is_named_and_once_killed_holds_nothing(self, tmp_path: Path) -> None:
        program = (
            "import sys, pathlib\n"
            "from trialstack.searches import held\n"
            "with held(pathlib.Path(sys.argv[1]), 'rings'):\n"
            "    print('held', flush=True)\n"
            "    sys.stdin.read()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            with (
                pytest.raises(SearchHeldError, match=rf"'rings': process {other.pid} on "),
                held(tmp_path, "rings"),
            ):
                pytest.fail("held twice")
            other.kill()
            other.wait()
        assert f"process {other.pid}" in (tmp_path / "rings" / "lock").read_text()
        with held(tmp_path, "rings"):
            text = (tmp_path / "rings" / "lock").read_text()
        assert text.startswith(f"process {os.getpid()} on ")
        assert text.count("\n") == 1


@pytest.mark.parametrize(
    ("below", "cause"), [("file", "Not a directory"), ("x" * 300, "File name too long")]
)
def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, below: str, cause: str) -> None:
    (tmp_path / "file").touch()
    root = tmp_path / below / "searches"
    with pytest.raises(InputError) as caught, held(root, "rings"):
        pytest.fail("held")
    assert str(root) in str(caught.value)
    assert str(caught.value).startswith("experiment 'rings': ")
    assert cause in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


class TestFoldersLeftBehind:
    """A command that is refused leaves no folders where there were none."""

    def test_a_folder_made_for_nothing_is_removed(self, tmp_path: Path) -> None:
        root = tmp_path / "mlruns" / "searches"
        with pytest.raises(InputError), held(root, "rings"):
            raise InputError("refused")
        assert list(tmp_path.iterdir()) == []

    def test_one_with_a_search_or_somebody_elses_files_stays(self, tmp_path: Path) -> None:
        root = tmp_path / "mlruns" / "searches"
        with held(root, "rings") as home:
            opened(home)
        with pytest.raises(InputError), held(root, "rings"):
            raise InputError("refused")
        assert len(searches_of(root, "rings")) == 1
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(InputError), held(tmp_path, "moons"):
            raise InputError("refused")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["mlruns", "notes.txt"]

    def test_other_errors_leave_it(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="disk"), held(tmp_path / "searches", "rings"):
            raise OSError("disk")
        assert (tmp_path / "searches" / "rings").exists()

    def test_choosing_writes_nothing(self, home: Path) -> None:
        choose_search(home, rings(), "d1")
        assert list(home.iterdir()) == []
        finish(opened(home, trials=3))
        before = (searches_of(home.parent, "rings")[0] / FILE_NAME).read_bytes()
        begin = choose_search(home, rings(3), "d1", extend=4)
        assert (searches_of(home.parent, "rings")[0] / FILE_NAME).read_bytes() == before
        assert begin().max_trials == 7


class TestBegin:
    def test_the_first_search(self, home: Path) -> None:
        search = opened(home, trials=7)
        assert (search.max_trials, search.resumed, search.abandoned) == (7, False, ())
        assert search.folder.parent == home
        header = search.journal.header
        assert header["name"] == "rings"
        assert header["seed"] == RINGS.search.seed
        assert header["objective"] == {"name": "val_auc", "direction": "max"}
        assert header["identity"]["data"] == "d1"
        assert header["identity"]["dataset.source"] == "circles"
        for key in ("name", "description", "search.max_trials", "search.executor"):
            assert key not in header["identity"]
        assert header["experiment"]["search"]["max_trials"] == 7

    def test_fresh_leaves_an_unfinished_one_behind(self, home: Path) -> None:
        first = opened(home)
        second = opened(home, fresh=True)
        assert second.folder != first.folder
        assert second.abandoned == (first.journal.search_id,)
        assert opened(home).folder == second.folder

    def test_fresh_after_a_finished_one_abandons_nothing(self, home: Path) -> None:
        finish(opened(home, trials=3))
        assert opened(home, trials=3, fresh=True).abandoned == ()

    def test_the_newest_counts_when_clocks_are_set_back(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(searches.time, "strftime", lambda _: "20251026-025959")
        opened(home)
        monkeypatch.setattr(searches.time, "strftime", lambda _: "20251026-020000")
        second = opened(home, fresh=True)
        assert opened(home).folder == second.folder

    def test_a_folder_whose_first_line_was_never_whole_does_not_count(self, home: Path) -> None:
        search = opened(home)
        torn = opened(home, fresh=True).folder / FILE_NAME
        torn.write_bytes(torn.read_bytes()[:-5])
        assert opened(home).folder == search.folder

    def test_a_damaged_journal_is_refused_unless_fresh(self, home: Path) -> None:
        search = opened(home)
        train(search, 2)
        path = search.folder / FILE_NAME
        path.write_bytes(path.read_bytes().replace(b'"number":0', b'"number":9'))
        with pytest.raises(JournalError, match="--fresh"):
            opened(home)
        fresh = opened(home, fresh=True)
        assert not fresh.resumed
        assert opened(home).folder == fresh.folder


class TestResume:
    def test_an_unfinished_search_goes_on(self, home: Path) -> None:
        first = opened(home)
        train(first, 3)
        again = opened(home)
        assert (again.folder, again.resumed, again.max_trials) == (first.folder, True, 100)
        assert again.journal.search_id == first.journal.search_id
        assert len(again.journal) == 7

    @pytest.mark.parametrize("trials", [3, 200])
    def test_the_number_of_trials_may_change(self, home: Path, trials: int) -> None:
        first = opened(home)
        assert (opened(home, trials=trials).folder, opened(home, trials=trials).max_trials) == (
            first.folder,
            trials,
        )

    def test_so_may_what_is_for_people_only(self, home: Path) -> None:
        first = opened(home)
        changed = rings(description="new words", **{"search.executor": "one-by-one"})
        assert open_search(home, changed, "d1").folder == first.folder

    def test_another_setting_is_refused_with_both_values(self, home: Path) -> None:
        train(opened(home), 3)
        with pytest.raises(InputError) as raised:
            open_search(home, rings(**{"search.epochs": 7, "search.seed": 1}), "d1")
        text = str(raised.value)
        assert raised.value.exit_code == 2
        assert "3 finished trials" in text
        assert "search.epochs was 50, is 7; search.seed was 42, is 1" in text
        assert "--fresh" in text
        assert "\n" not in text

    def test_other_rows_are_refused(self, home: Path) -> None:
        train(opened(home), 1)
        with pytest.raises(InputError, match='data was "d1", is "d2"'):
            opened(home, digest="d2")

    def test_fresh_takes_them(self, home: Path) -> None:
        first = opened(home)
        train(first, 1)
        assert opened(home, digest="d2", fresh=True).abandoned == (first.journal.search_id,)

    def test_a_search_without_a_trial_is_not_worth_a_refusal(self, home: Path) -> None:
        first = opened(home)
        second = opened(home, digest="d2")
        third = open_search(home, rings(**{"search.epochs": 7}), "d2")
        assert not third.resumed
        assert third.abandoned == (first.journal.search_id, second.journal.search_id)
        assert open_search(home, rings(**{"search.epochs": 7}), "d2").abandoned == third.abandoned


class TestFinished:
    def test_the_same_command_begins_a_new_search(self, home: Path) -> None:
        first = opened(home, trials=3)
        finish(first)
        second = opened(home, trials=3)
        assert (second.resumed, second.abandoned) == (False, ())
        assert second.folder != first.folder

    def test_so_do_fewer_trials_and_other_settings(self, home: Path) -> None:
        finish(opened(home, trials=3))
        assert not opened(home, trials=2).resumed
        finish(opened(home, trials=2))
        assert not open_search(home, rings(**{"search.epochs": 7}), "d1").resumed

    def test_more_trials_go_on_with_it(self, home: Path) -> None:
        first = opened(home, trials=3)
        finish(first)
        more = opened(home, trials=5)
        assert (more.folder, more.resumed, more.max_trials) == (first.folder, True, 5)
        # ... and again after an interruption, also without the option.
        assert (opened(home, trials=5).max_trials, opened(home, trials=3).max_trials) == (5, 5)
        finish(more)
        assert not opened(home, trials=5).resumed

    def test_extend_goes_on_by_so_many(self, home: Path) -> None:
        first = opened(home, trials=3)
        finish(first)
        more = opened(home, trials=3, extend=4)
        assert (more.folder, more.max_trials) == (first.folder, 7)
        assert opened(home, trials=3, extend=4).max_trials == 7, "the same command goes on"
        finish(more)
        assert opened(home, trials=3, extend=2).max_trials == 9

    def test_extend_of_a_search_that_the_time_limit_ended(self, home: Path) -> None:
        search = opened(home)
        train(search, 12)
        search.journal.append("stage", name=DONE, data={"max_trials": 12})
        assert opened(home, extend=5).max_trials == 17

    def test_extend_of_an_unfinished_search_counts_from_what_was_meant(self, home: Path) -> None:
        train(opened(home, trials=10), 3)
        assert opened(home, trials=10, extend=5).max_trials == 15
        assert opened(home, trials=10).max_trials == 15

    def test_extend_without_a_search_is_refused(self, home: Path) -> None:
        with pytest.raises(InputError, match=r"--extend 5: experiment 'rings' has no search"):
            opened(home, extend=5)

    def test_extend_with_other_settings_is_refused(self, home: Path) -> None:
        finish(opened(home, trials=3))
        with pytest.raises(InputError, match=r"search\.epochs was 50, is 7"):
            open_search(home, rings(**{"search.epochs": 7}), "d1", extend=5)


def test_differences_are_listed_by_key_with_missing_ones() -> None:
    old = {"same": 1, "tuple": (1, 2), "gone": [1], "float": 0.1}
    new = {"same": 1.0, "tuple": [1, 2], "new": "x" * 100, "float": 0.2}
    assert differing(old, new) == [
        "float was 0.1, is 0.2",
        "gone was [1], is not set",
        f'new was not set, is "{"x" * 56}...',
    ]
