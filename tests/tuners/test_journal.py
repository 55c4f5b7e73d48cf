from __future__ import annotations

import json
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialstack.errors import JournalError
from trialstack.tuners.journal import VERSION, Journal, plain, write_atomically


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "search" / "journal.jsonl"


def written(path: Path, lines: int) -> Journal:
    """A journal of `opened` and some lines more."""
    journal = Journal(path)
    journal.open("abc", {"seed": 42})
    for number in range(lines - 1):
        journal.append("asked", trial_id=str(number), number=number)
    return journal


class TestLines:
    def test_a_line_is_json_with_the_crc_32_of_the_text_before_it(self, path: Path) -> None:
        Journal(path).append("opened", version=1, search_id="abc", header={"seed": 42})
        line = path.read_text().removesuffix("\n")
        text, _, crc = line.removesuffix("}").rpartition(',"crc":')
        assert int(crc) == zlib.crc32((text + "}").encode())
        entry = json.loads(line)
        assert entry.pop("crc") == int(crc)
        assert entry.pop("time") > 1e9
        assert entry == {
            "event": "opened",
            "version": 1,
            "search_id": "abc",
            "header": {"seed": 42},
        }

    def test_the_crc_32_of_a_further_line_goes_on_from_the_one_before(self, path: Path) -> None:
        written(path, 3)
        texts = [line.rpartition(',"crc":')[0] + "}" for line in path.read_text().splitlines()]
        crcs = [json.loads(line)["crc"] for line in path.read_text().splitlines()]
        assert crcs == [zlib.crc32("".join(texts[:end]).encode()) for end in (1, 2, 3)]

    def test_entries_are_read_back_in_order(self, path: Path) -> None:
        before = written(path, 4)
        after = Journal(path)
        assert after.entries == before.entries
        assert len(after) == 4
        assert (after.search_id, after.header) == ("abc", {"seed": 42})
        assert [entry["number"] for entry in after.of("asked")] == [0, 1, 2]
        assert [entry["event"] for entry in after.of("opened", "asked")][:2] == ["opened", "asked"]

    def test_a_journal_that_is_not_there_is_empty_and_makes_nothing(self, path: Path) -> None:
        journal = Journal(path)
        assert (len(journal), journal.header, journal.closed) == (0, {}, None)
        assert not path.parent.exists()

    def test_floats_that_json_lacks_come_back_by_float(self, path: Path) -> None:
        values = [math.nan, math.inf, -math.inf, np.float32(0.1), np.float64("nan"), 1e-300]
        Journal(path).append("opened", version=1, values=values)
        assert "NaN" in path.read_text()
        json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"bare {name}"))
        read = [float(value) for value in Journal(path).entries[0]["values"]]
        assert math.isnan(read[0])
        assert read[1:3] == [math.inf, -math.inf]
        assert read[3] == float(np.float32(0.1))
        assert math.isnan(read[4])
        assert read[5] == 1e-300

    @pytest.mark.parametrize(
        "text",
        ["two\nlines", "ümläut 中 \u2028 \x00", 'a ,"crc":123} inside', "half a pair \udcff"],
    )
    def test_any_text_comes_back(self, path: Path, text: str) -> None:
        Journal(path).append("opened", version=1, text=text)
        journal = Journal(path)
        journal.append("asked", text=text)
        assert [entry["text"] for entry in Journal(path).entries] == [text, text]

    def test_plain_numbers(self) -> None:
        made = plain(
            {"a": np.int64(3), 1: (np.bool_(True), False, np.float32(0.5)), "n": np.arange(2)}
        )
        assert made == {"a": 3, "1": [True, False, 0.5], "n": [0, 1]}
        assert [type(value) for value in made["1"]] == [bool, bool, float]
        assert plain(None) is None


class TestDamage:
    def test_every_torn_end_is_dropped_and_written_over(self, path: Path) -> None:
        journal = written(path, 3)
        whole = path.read_bytes()
        ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")]
        for size in range(len(whole) + 1):
            path.write_bytes(whole[:size])
            torn = Journal(path)
            kept = sum(end <= size for end in ends)
            assert torn.entries == journal.entries[:kept]
            if kept:
                torn.append("asked", number=99)
                again = Journal(path)
                assert len(again) == kept + 1
                assert again.entries[-1]["number"] == 99

    def test_a_last_line_with_its_newline_but_not_all_of_it_is_dropped(self, path: Path) -> None:
        written(path, 3)
        *lines, last, _ = path.read_bytes().split(b"\n")
        path.write_bytes(b"\n".join([*lines, last[:10] + b"\x00" * 10 + last[20:], b""]))
        assert len(Journal(path)) == 2

    @pytest.mark.parametrize(
        "damaged",
        [b"", b"[1]", b"7", b"null", b"{}", b'{"event":"asked","crc":1}', b"\xff\xfe", b"{" * 99],
    )
    def test_a_damaged_line_in_the_middle_is_refused_with_its_number(
        self, path: Path, damaged: bytes
    ) -> None:
        written(path, 4)
        lines = path.read_bytes().split(b"\n")
        lines[1] = damaged
        path.write_bytes(b"\n".join(lines))
        with pytest.raises(JournalError, match=r"line 2: damaged, .*--fresh") as raised:
            Journal(path)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)

    def test_an_edited_value_is_noticed(self, path: Path) -> None:
        written(path, 4)
        path.write_bytes(path.read_bytes().replace(b'"number":0', b'"number":7'))
        with pytest.raises(JournalError, match="line 2"):
            Journal(path)

    @pytest.mark.parametrize(
        ("numbers", "refused"),
        [
            pytest.param([0, 2, 3], 2, id="one is missing"),
            pytest.param([0, 1, 1, 2, 3], 3, id="one stands there twice"),
            pytest.param([0, 2, 1, 3], 2, id="two have changed places"),
            pytest.param([1, 2, 3], 1, id="the first is missing"),
            pytest.param([0, 1, 0, 1], 3, id="it begins again"),
        ],
    )
    def test_whole_lines_that_do_not_follow_each_other(
        self, path: Path, numbers: list[int], refused: int
    ) -> None:
        written(path, 4)
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[number] for number in numbers))
        with pytest.raises(JournalError, match=f"line {refused}: .* lines before it are missing"):
            Journal(path)

    def test_lines_of_another_search_are_refused(self, path: Path, tmp_path: Path) -> None:
        written(path, 3)
        other = tmp_path / "other.jsonl"
        written(other, 4)
        with path.open("ab") as file:
            file.writelines(other.read_bytes().splitlines(keepends=True)[1:])
        with pytest.raises(JournalError, match="line 4: damaged, or lines before it are missing"):
            Journal(path)

    def test_one_whose_first_line_is_another_is_refused(self, path: Path) -> None:
        Journal(path).append("asked", trial_id="0", number=0)
        with pytest.raises(JournalError, match="first line is missing"):
            Journal(path)

    def test_a_journal_of_version_1_goes_on_as_it_was(self, path: Path) -> None:
        """There the CRC-32 of a line was that of the line alone."""
        texts = [
            b'{"event":"opened","version":1,"search_id":"a","header":{}}',
            b'{"event":"asked"}',
        ]
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(b'%s,"crc":%d}\n' % (t[:-1], zlib.crc32(t)) for t in texts))
        Journal(path).append("asked", number=1)
        assert [entry["event"] for entry in Journal(path).entries] == ["opened", "asked", "asked"]
        last = path.read_bytes().splitlines()[-1]
        assert json.loads(last)["crc"] == zlib.crc32(last.partition(b',"crc":')[0] + b"}")

    def test_a_newer_version_is_refused(self, path: Path) -> None:
        Journal(path).append("opened", version=VERSION + 1, search_id="abc", header={})
        with pytest.raises(JournalError, match=f"newer trialstack .journal version {VERSION + 1}"):
            Journal(path)

    @pytest.mark.parametrize("fields", [{}, {"version": None}, {"version": "2"}, {"version": 1.5}])
    def test_a_version_that_is_none_is_refused(self, path: Path, fields: dict[str, Any]) -> None:
        Journal(path).append("opened", search_id="abc", header={}, **fields)
        with pytest.raises(JournalError, match="newer trialstack"):
            Journal(path)


class TestFullDisk:
    @pytest.mark.parametrize("broken", ["fsync", "write"])
    def test_what_was_there_stays_and_can_be_appended_to(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        journal = written(path, 3)
        with monkeypatch.context() as full:
            if broken == "fsync":
                full.setattr(os, "fsync", _no_space)
            else:
                full.setattr(Path, "open", _open_that_writes_half)
            with pytest.raises(OSError, match="No space left"):
                journal.append("stage", name="final", data={"text": "x" * 100})
        assert Journal(path).entries[:3] == journal.entries[:3]
        journal.append("closed", reason="max_trials")
        events = [entry["event"] for entry in Journal(path).entries]
        # Written but not synced counts as written; half a line does not.
        stage = ["stage"] if broken == "fsync" else []
        assert events == ["opened", "asked", "asked", *stage, "closed"]
        assert Journal(path).entries == journal.entries

    def test_a_file_is_replaced_whole_or_not_at_all(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        target = tmp_path / "a" / "weights.npz"
        write_atomically(target, b"old")
        with monkeypatch.context() as full:
            full.setattr(os, "fsync", _no_space)
            with pytest.raises(OSError, match="No space left"):
                write_atomically(target, b"new")
        assert target.read_bytes() == b"old"
        assert list(target.parent.iterdir()) == [target]
        write_atomically(target, b"new")
        assert target.read_bytes() == b"new"


class TestTwoWriters:
    def test_lines_of_another_writer_are_kept(self, path: Path) -> None:
        ours = written(path, 2)
        theirs = Journal(path)
        theirs.append("stage", name="baseline", data={})
        ours.append("asked", number=1)
        assert [entry["event"] for entry in ours.entries] == ["opened", "asked", "stage", "asked"]
        assert Journal(path).entries == ours.entries


class TestStages:
    def test_closed_holds_until_something_is_asked_again(self, path: Path) -> None:
        journal = written(path, 2)
        assert journal.closed is None
        journal.append("closed", reason="max_trials")
        journal.append("stage", name="done", data={})
        assert journal.closed is not None
        assert journal.closed["reason"] == "max_trials"
        journal.append("asked", trial_id="1", number=1)
        assert journal.closed is None

    def test_stages_are_found_by_name(self, path: Path) -> None:
        journal = written(path, 1)
        for name, version in (("final", 1), ("done", 1), ("final", 2)):
            journal.append("stage", name=name, data={"version": version})
        assert [entry["data"]["version"] for entry in journal.stages("final")] == [1, 2]


def _no_space(_: int) -> None:
    raise OSError(28, "No space left on device")


_open = Path.open


def _open_that_writes_half(self: Path, mode: str = "r", **kwargs: object) -> object:
    file = _open(self, mode, **kwargs)
    write = file.write

    class Half:
        def __enter__(self) -> Half:
            return self

        def __exit__(self, *_: object) -> None:
            file.close()

        def __getattr__(self, name: str) -> object:
            return getattr(file, name)

        def write(self, content: bytes) -> None:
            write(content[: len(content) // 2])
            raise OSError(28, "No space left on device")

    return Half()
