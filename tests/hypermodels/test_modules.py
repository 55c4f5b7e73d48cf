"""The module of a user's hypermodel: found, or refused, without being imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trialstack.errors import ExperimentError
from trialstack.hypermodels.modules import require_module

EXPLODES = "raise RuntimeError('imported')"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    for module in ("lone_module", "some_package/__init__", "some_package/models", "spaces/models"):
        file = tmp_path / f"{module}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(EXPLODES)
    return tmp_path


@pytest.mark.parametrize(
    "name", ["lone_module", "some_package", "some_package.models", "spaces.models", "__main__"]
)
def test_a_module_that_is_there_is_not_imported(folder: Path, name: str) -> None:
    require_module(name, folder, "start")
    if name != "__main__":
        assert name not in sys.modules


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "no module 'nowhere' in the current directory, in "),
        ("nowhere.models", "no module 'nowhere.models'"),
        ("spaces.modles", "no module 'spaces.modles'"),
        ("os.models", "no module 'os.models'"),
        ("os", "'os' is a module of Python's own"),
        ("json.decoder", "'json.decoder' is a module of Python's own"),
        ("sys", "'sys' is a module of Python's own"),
        ("wave", "'wave' is a module of Python's own"),
    ],
)
def test_one_that_cannot_have_it_is_refused(folder: Path, name: str, said: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        require_module(name, folder, "start")
    assert str(caught.value).startswith(f"start: {said}")


def test_a_package_that_finds_its_modules_itself_is_asked(folder: Path) -> None:
    """As with `pkgutil.extend_path`: only its import tells where they are."""
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "models.py").write_text(EXPLODES)
    (folder / "finds_itself").mkdir()
    (folder / "finds_itself" / "__init__.py").write_text(
        "import pathlib; __path__.append(str(pathlib.Path(__file__).parents[1] / 'elsewhere'))"
    )
    require_module("finds_itself.models", folder, "start")
    assert "finds_itself.models" not in sys.modules
    with pytest.raises(ExperimentError, match=r"no module 'finds_itself\.nothing'"):
        require_module("finds_itself.nothing", folder, "start")


def test_what_breaks_is_left_to_its_import(folder: Path) -> None:
    require_module("some_package.nothing", folder, "start")
    require_module("lone_module.nothing", folder, "start")


def test_a_module_of_ones_own_may_hide_one_of_pythons(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "wave.py").write_text(EXPLODES)
    monkeypatch.syspath_prepend(folder)
    require_module("wave", folder, "start")
