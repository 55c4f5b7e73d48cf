"""What the source of a module says about its classes, without running it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from trialstack.hypermodels.source import ModuleSource

BOUND = """
import keras.layers, keras_tuner as kt
from elsewhere import first, second as third
if True:
    inner = 1
else:
    class Inner: ...
for turn, (left, *right) in []: ...
with open("x") as opened: ...
try: ...
except ValueError as problem: ...
total: int = 0
total += (walrus := 1)
match total:
    case {"x": part, **rest}: ...
    case [*many]: ...
    case whole: ...
def function(argument):
    global told
    local = 1
a = b = lambda parameter: 0
"""

CLASSES = """
import abc, keras, keras_tuner as kt, tensorflow as tf
from typing import Generic
from keras_tuner import HyperModel as Base, applications
from keras import Model
from . import keras as neighbour
from .bases import Mixed
import not_known

class Direct(kt.HyperModel): ...
class Renamed(Base): ...
class Below(Direct, abc.ABC): ...
class Ready(applications.HyperResNet): ...
class Mixing(Mixed): ...
class Neighbour(neighbour.Net): ...
class Unknown(not_known.Thing): ...
class Called(make()): ...
class Of(Generic[int], kt.HyperModel): ...
@decorated
class Decorated: ...
class Meta(metaclass=Unknown): ...
@decorated
def decorated_function(): ...
copied = Direct
made = type("made", (Direct,), {})
try:
    from fast import Twice
except ImportError:
    class Twice: ...

class Plain: ...
class Net(keras.Model): ...
class Deep(tf.keras.layers.Layer): ...
class Short(Model): ...
class Typed(Generic[int]): ...
class BelowPlain(Plain, object): ...
def function(): ...
number = 3
names = ["Direct"]
"""

MAY_BE = ["Direct", "Renamed", "Below", "Ready", "Mixing", "Neighbour", "Unknown", "Called", "Of"]
MAY_BE += ["Decorated", "Meta", "decorated_function", "copied", "made", "Twice", "Base", "Mixed"]
IS_NOT = ["Plain", "Net", "Deep", "Short", "Typed", "BelowPlain", "function", "number", "names"]
IS_NOT += ["kt", "keras", "Model", "abc"]


def test_every_way_to_bind_a_name() -> None:
    source = ModuleSource(BOUND)
    bound = "keras kt first third inner Inner turn left right opened problem total walrus part rest"
    bound += " many whole function told a b"
    assert [name for name in bound.split() if not source.has(name)] == []
    unbound = "layers keras_tuner elsewhere second argument local parameter x"
    assert [name for name in unbound.split() if source.has(name)] == []


@pytest.mark.parametrize(
    "line",
    [
        "from elsewhere import *",
        "def __getattr__(name): ...",
        "globals()['Own'] = 1",
        "import sys; setattr(sys, 'Own', 1)",
        "import sys; sys.modules[__name__].Own = 1",
        "exec('class Own: ...')",
    ],
)
def test_a_module_that_may_have_other_names_has_them_all(line: str) -> None:
    source = ModuleSource(line)
    assert source.has("Own")
    assert source.may_be_hypermodel("Own")


def test_what_may_be_a_hypermodel_and_what_cannot() -> None:
    source = ModuleSource(CLASSES)
    assert [name for name in MAY_BE if not source.may_be_hypermodel(name)] == []
    assert [name for name in IS_NOT if source.may_be_hypermodel(name)] == []
    shown = source.hypermodels()
    assert shown[:4] == ["Direct", "Renamed", "Below", "Ready"]
    assert not {"copied", "Base", *IS_NOT} & set(shown)


def test_classes_in_a_circle_are_left_to_python() -> None:
    source = ModuleSource("class A(B): ...\nclass B(A): ...\nclass C(C): ...")
    assert source.may_be_hypermodel("A")
    assert source.may_be_hypermodel("C")


def test_only_files_of_python_are_read(tmp_path: Path) -> None:
    def source_of(file: str) -> ModuleSource | None:
        spec = importlib.util.spec_from_file_location("own", tmp_path / file)
        assert spec is not None
        return ModuleSource.of(spec)

    (tmp_path / "own.py").write_text('import os\npattern = "\\d"\n')  # of which Python 3.12 warns
    source = source_of("own.py")
    assert source is not None
    assert source.has("pattern")
    (tmp_path / "own.so").write_bytes(b"")
    assert source_of("own.so") is None
    assert source_of("gone.py") is None
    for broken in (b"def (", b"text = '\xe9'\n"):  # the second is not UTF-8
        (tmp_path / "broken.py").write_bytes(broken)
        with pytest.raises(SyntaxError):
            source_of("broken.py")
