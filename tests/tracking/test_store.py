from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from trialstack.errors import InputError
from trialstack.tracking import store as store_module
from trialstack.tracking.connection import probe
from trialstack.tracking.store import Store, display_uri, open_client, resolve_store


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_the_default_is_an_sqlite_file_under_the_directory(tmp_path: Path) -> None:
    store = resolve_store(directory=tmp_path)
    assert store.tracking_uri == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert store.artifact_root == tmp_path / "mlruns/artifacts"
    assert store.folder == tmp_path / "mlruns"
    assert store.sqlite_file == tmp_path / "mlruns/mlflow.db"
    assert store.local
    assert list(tmp_path.iterdir()) == []


def test_the_current_directory_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_store() == resolve_store(directory=tmp_path)


def test_an_argument_goes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://env:5000")
    assert resolve_store(directory=tmp_path).tracking_uri == "http://env:5000"
    assert resolve_store("http://arg:5000/").tracking_uri == "http://arg:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert resolve_store(directory=tmp_path).local


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("sqlite:///x.db", "x.db"),
        ("sqlite:///a/../b/x.db", "b/x.db"),
        ("sqlite:///./x.db?timeout=30", "x.db"),
    ],
)
def test_relative_sqlite_files_become_absolute(tmp_path: Path, uri: str, file: str) -> None:
    store = resolve_store(uri, tmp_path)
    assert store.sqlite_file == tmp_path / file
    assert store.folder == (tmp_path / file).parent
    assert store.artifact_root == store.folder / "artifacts"
    assert store.tracking_uri.endswith(f"{tmp_path}/{file}{uri.partition('.db')[2]}")


def test_an_absolute_sqlite_file_stays(tmp_path: Path) -> None:
    store = resolve_store(f"sqlite:///{tmp_path}/x.db", Path("/elsewhere"))
    assert store.sqlite_file == tmp_path / "x.db"


def test_a_server_decides_on_artifacts_itself(tmp_path: Path) -> None:
    store = resolve_store("https://ann:secret@host/mlflow/", tmp_path)
    assert store.tracking_uri == "https://ann:secret@host/mlflow"
    assert store.artifact_root is None
    assert store.folder == tmp_path / "mlruns"
    assert not store.local
    assert "secret" not in repr(store)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("mlruns", "file store is not supported; use sqlite:///"),
        ("./mlruns", "file store"),
        ("file:///tmp/mlruns", "file store"),
        ("databricks", "file store"),
        ("ftp://ann:secret@host/x", r"'ftp://\*\*\*@host/x': unknown kind of store"),
        ("http://", "the server's name is missing"),
        ("http://[::1", "Invalid IPv6 URL"),
        ("sqlite://", "a file is wanted"),
        ("sqlite:///", "a file is wanted"),
        ("sqlite:///:memory:", "a file is wanted"),
        ("sqlite:///folder/", "a file is wanted"),
        ("postgresql+pg8000://h/d", "unknown driver; known: postgresql"),
        ("", "tracking URI '' came; use sqlite:///"),  # a variable of a script that is not set
    ],
)
def test_other_stores_are_refused_in_one_line(uri: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        resolve_store(uri)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("uri", "sqlalchemy", "package"),
    [
        ("postgresql://ann:secret@db/runs", "2.0.44", "psycopg2-binary"),
        ("postgresql://ann:secret@db/runs", "2.1.0b1", "psycopg[binary]"),
        ("postgresql+psycopg2://ann:secret@db/runs", "2.1.0", "psycopg2-binary"),
        ("mysql+pymysql://ann:secret@db/runs", "2.1.0", "pymysql"),
    ],
)
def test_a_missing_driver_is_named(
    uri: str, sqlalchemy: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(store_module.importlib.metadata, "version", lambda _: sqlalchemy)
    with pytest.raises(InputError) as refused:
        resolve_store(uri)
    assert str(refused.value).endswith(f"run: pip install '{package}'")
    assert "secret" not in str(refused.value)
    monkeypatch.setattr(store_module.importlib.util, "find_spec", lambda _: object())
    assert resolve_store(uri).tracking_uri == uri


def test_credentials_are_masked() -> None:
    assert display_uri("http://127.0.0.1:5000") == "http://127.0.0.1:5000"
    assert display_uri("postgresql://a:p@ss/w@db/x") == "postgresql://***@db/x"
    assert display_uri("mysql://db/x?password=p&a=b") == "mysql://db/x?password=***&a=b"
    assert (
        display_uri("no answer from 'https://a:b@host/' (try again)")
        == "no answer from 'https://***@host/' (try again)"
    )


def test_a_new_file_gets_write_ahead_logging(store: Store) -> None:
    client = open_client(store)
    assert client.tracking_uri == store.tracking_uri
    assert store.sqlite_file is not None
    with sqlite3.connect(store.sqlite_file) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()
    with client._tracking_client.store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1


def test_two_processes_may_make_one_store(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from trialstack.tracking.store import open_client, resolve_store\n"
        "client = open_client(resolve_store(directory=Path(sys.argv[1])))\n"
        "print(client.get_experiment('0').name)\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.communicate() == ("Default\n", "")
        assert process.returncode == 0


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("hello")
    with pytest.raises(InputError, match=r"x\.db: file is not a database; is it an SQLite file\?$"):
        open_client(resolve_store(f"sqlite:///{tmp_path}/x.db"))
    assert [path.name for path in tmp_path.iterdir()] == ["x.db"]


def test_a_schema_of_another_version_is_refused(store: Store) -> None:
    assert store.sqlite_file is not None
    with sqlite3.connect(store.sqlite_file) as database:
        database.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    database.close()
    with pytest.raises(InputError, match=r"another version of MLflow; .* mlflow db upgrade sqlite"):
        open_client(store)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be used: "):
        open_client(resolve_store(f"sqlite:///{tmp_path}/file/x.db"))


def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # bound, but nobody listens
        uri = f"http://ann:secret@127.0.0.1:{port}"
        with pytest.raises(InputError, match=rf"http://\*\*\*@127.0.0.1:{port} does not answer"):
            open_client(resolve_store(uri, tmp_path))


@pytest.mark.parametrize(
    ("uri", "cause"),
    [
        ("http://127.0.0.1:99999", "is no port from 0 to 65535"),
        ("http://127.0.0.1:mlflow", "is no port from 0 to 65535"),
        ("http://two..dots", "does not answer: .*label empty"),
    ],
)
def test_an_address_that_cannot_be_is_refused(uri: str, cause: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^tracking server {uri}.* {cause}"):
        open_client(resolve_store(uri, tmp_path))


def test_something_else_that_listens_is_refused(tmp_path: Path) -> None:
    def answer() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(b"SSH-2.0-OpenSSH\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer)
        thread.start()
        uri = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(InputError, match=r"does not answer: SSH-2\.0"):
            probe(resolve_store(uri, tmp_path))
        thread.join()


def test_a_probe_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    assert store.sqlite_file is not None
    before = {path: path.read_bytes() for path in store.folder.iterdir()}
    probe(store)
    assert {path: path.read_bytes() for path in store.folder.iterdir()} == before
    probe(resolve_store(f"sqlite:///{tmp_path}/new/x.db"))
    assert list(tmp_path.iterdir()) == [store.folder]
    with pytest.raises(InputError, match="cannot be used: File name too long"):
        probe(resolve_store(f"sqlite:///{tmp_path}/{'x' * 300}/x.db"))


def test_resolving_imports_nothing_heavy() -> None:
    script = (
        "import sys; from trialstack.tracking.store import resolve_store; resolve_store()\n"
        "print([m for m in ('mlflow', 'sqlalchemy', 'numpy', 'tensorflow') if m in sys.modules])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert run.stdout == "[]\n"
