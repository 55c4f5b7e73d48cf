"""Which search a command means."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.searches.conftest import RINGS, finish, opened, rings, train
from trialstack.errors import InputError, JournalError
from trialstack.searches import (
    CLOSED_OTHERS,
    DONE,
    choose_search,
    differing,
    folders,
    open_search,
    searches_of,
)
from trialstack.tuners.journal import FILE_NAME


def test_choosing_writes_nothing(home: Path) -> None:
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

    def test_runs_of_replaced_searches_are_closed_once(self, home: Path) -> None:
        first = opened(home)
        second = opened(home, fresh=True)
        assert opened(home).abandoned == (first.journal.search_id,)
        second.journal.append("stage", name=CLOSED_OTHERS, data={})
        assert opened(home).abandoned == ()
        assert opened(home, fresh=True).abandoned == (second.journal.search_id,)

    def test_fresh_after_a_finished_one_abandons_nothing(self, home: Path) -> None:
        finish(opened(home, trials=3))
        assert opened(home, trials=3, fresh=True).abandoned == ()

    def test_the_newest_counts_when_clocks_are_set_back(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folders.time, "strftime", lambda _: "20251026-025959")
        opened(home)
        monkeypatch.setattr(folders.time, "strftime", lambda _: "20251026-020000")
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

    def test_a_file_that_has_changed_is_refused_with_what_differs(self, home: Path) -> None:
        old = {"rows": 9, "classes": {"a": 9}, "columns": {"x": "12", "y": "34"}}
        train(open_search(home, rings(), "d1", old), 2)
        assert open_search(home, rings(), "d1", old).resumed
        new = {**old, "columns": {"x": "12", "y": "56"}}
        with pytest.raises(InputError) as refusal:
            open_search(home, rings(**{"search.epochs": 3}), "d2", new)
        line = str(refusal.value)
        assert line.startswith("experiment 'rings': a search with 2 finished trials (")
        assert "has other data: circles has changed: column 'y' has other values" in line
        assert "; search.epochs was 50, is 3; put them back to go on with it, or" in line
        assert open_search(home, rings(), "d2", new, fresh=True).journal.header["data"] == new

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
