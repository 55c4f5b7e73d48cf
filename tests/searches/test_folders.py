"""Where searches lie, and who may work there."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.searches.conftest import opened
from trialstack.errors import InputError, SearchHeldError
from trialstack.searches import folder_name, held, journal_of, searches_of


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

    def test_a_search_is_found_by_its_id(self, home: Path) -> None:
        first, second = opened(home), opened(home, fresh=True)
        assert journal_of(home, first.journal.search_id) == first.journal.path
        assert journal_of(home, second.journal.search_id) == second.journal.path
        assert journal_of(home, "0" * 32) is None


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
