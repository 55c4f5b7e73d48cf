from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trialstack.errors import InputError
from trialstack.tracking.secret_files import kept_secret, private_folder, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_made_once_and_nobody_else_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "password"
    secret = kept_secret(file)
    assert len(secret) == 32
    assert mode(file) == 0o600
    assert kept_secret(file) == secret
    assert kept_secret(tmp_path / "another") != secret
    assert sorted(path.name for path in tmp_path.iterdir()) == ["another", "password"]


def test_those_who_make_it_at_once_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: kept_secret(tmp_path / "password"), range(32)))
    assert len(set(made)) == 1


def test_what_others_may_read_is_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("of my own\n")
    file.chmod(0o640)
    with pytest.raises(
        InputError, match=rf"others may read it \(mode 640\); run: chmod 600 {file}"
    ):
        kept_secret(file)
    file.chmod(0o600)
    assert kept_secret(file) == "of my own"


def test_an_empty_file_is_none(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.touch(mode=0o600)
    with pytest.raises(InputError, match="it is empty"):
        kept_secret(file)


def test_what_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file/folder: Not a directory"):
        private_folder(tmp_path / "file" / "folder")
    with pytest.raises(InputError, match="No such file"):
        kept_secret(tmp_path / "nowhere" / "password")
    with pytest.raises(InputError, match="No such file"):
        write_private(tmp_path / "nowhere" / "settings", "x")


def test_a_folder_is_private(tmp_path: Path) -> None:
    assert mode(private_folder(tmp_path / "new")) == 0o700
    write_private(tmp_path / "new" / "settings", "one")
    write_private(tmp_path / "new" / "settings", "two")
    assert (tmp_path / "new" / "settings").read_text() == "two"
    assert mode(tmp_path / "new" / "settings") == 0o600
