"""What the source of a module says about a class, without running it.

To import a user's module is to import Keras, which takes seconds, and most slips show before. What
may be otherwise once the module runs is left to its import.
"""

from __future__ import annotations

import ast
import builtins
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader

NEVER_HYPERMODELS = sys.stdlib_module_names | {"keras", "tensorflow"}
"""Packages that have no hypermodel: somebody names a model's class in place of one."""

WRITES_NAMES = {"exec", "globals", "locals", "setattr", "vars", "__dict__", "modules"}
"""What code that makes names of its module, other than by binding them, has to mention."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
VALUES = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Lambda)


class ModuleSource:
    r"""The names that a module binds.

    Args:
        text: Its source.
        file: For error messages.

    Raises:
        SyntaxError: It is no Python.

    Example:
        >>> source = ModuleSource("from keras_tuner import HyperModel\nclass A(HyperModel): ...")
        >>> source.has("A"), source.has("B"), source.may_be_hypermodel("A")
        (True, False, True)
    """

    def __init__(self, text: str, file: str = "<unknown>") -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its import tells them
            tree = ast.parse(text, file)
        self._bound: dict[str, list[ast.AST | None]] = {}  # by what; None where that is not known
        for name, by in bindings(tree.body):
            self._bound.setdefault(name, []).append(by)
        for node in ast.walk(tree):
            for name in node.names if isinstance(node, ast.Global) else ():
                self._bound.setdefault(name, []).append(None)
        mentioned = {
            getattr(node, "id", None) or getattr(node, "attr", None) for node in ast.walk(tree)
        }
        self._is_open = bool(self._bound.keys() & {"*", "__getattr__"} or mentioned & WRITES_NAMES)

    @classmethod
    def of(cls, spec: ModuleSpec) -> ModuleSource | None:
        """Reads a module; None if it is not a file of Python that can be read.

        Raises:
            SyntaxError: It is no Python.
        """
        if not isinstance(spec.loader, SourceFileLoader):
            return None
        try:
            text = spec.loader.get_source(spec.name)
        except (ImportError, OSError):
            return None
        return cls(text, str(spec.origin)) if text is not None else None

    def has(self, name: str) -> bool:
        """Whether the module has a name, or may have it."""
        return self._is_open or name in self._bound

    def hypermodels(self) -> list[str]:
        """Classes of the module that are hypermodels, as far as that shows."""
        return [
            name
            for name, bound_by in self._bound.items()
            if isinstance(bound_by[-1], ast.ClassDef) and self.may_be_hypermodel(name)
        ]

    def may_be_hypermodel(self, name: str) -> bool:
        """Whether a name may stand for a class that is derived from `keras_tuner.HyperModel`."""
        return self._is_open or self._may_be(name, ())

    def class_of(self, name: str) -> ast.ClassDef | None:
        """The definition of a class, if it is one for sure and stays as it is written."""
        (by, *others) = self._bound.get(name, [None])
        sure = isinstance(by, ast.ClassDef) and not by.decorator_list and not by.keywords
        return by if sure and not others and isinstance(by, ast.ClassDef) else None

    def path_of(self, expression: ast.expr) -> str:
        """What an expression such as `kt.HyperModel` stands for, such as `keras_tuner.HyperModel`.

        A name of this module or of Python stands for itself; empty if that is not known.
        """
        if isinstance(expression, ast.Subscript):  # Generic[T]
            return self.path_of(expression.value)
        if isinstance(expression, ast.Attribute):
            above = self.path_of(expression.value)
            return above and f"{above}.{expression.attr}"
        if not isinstance(expression, ast.Name):
            return ""
        (by, *others) = self._bound.get(expression.id, [expression])
        path = _imported_as(by, expression.id) or expression.id
        return "" if others and not isinstance(by, ast.ClassDef) else path

    def _may_be(self, name: str, derived: Sequence[str]) -> bool:
        if name not in self._bound:
            return not hasattr(builtins, name)
        if name in derived:  # in a circle; Python will say so
            return True
        return any(self._may_be_bound(by, name, [*derived, name]) for by in self._bound[name])

    def _may_be_bound(self, by: ast.AST | None, name: str, derived: Sequence[str]) -> bool:
        if isinstance(by, ast.ClassDef) and not by.decorator_list and not by.keywords:
            return any(self._may_be_path(self.path_of(base), derived) for base in by.bases)
        if isinstance(by, FUNCTIONS):
            return bool(by.decorator_list)
        if isinstance(by, ast.Import):
            return False  # a module
        if isinstance(by, ast.ImportFrom):
            return self._may_be_path(_imported_as(by, name), derived)
        return not isinstance(by, VALUES)

    def _may_be_path(self, path: str, derived: Sequence[str]) -> bool:
        first, dot, _ = path.partition(".")
        if not dot:
            return not path or self._may_be(path, derived)
        return first not in NEVER_HYPERMODELS


def bindings(body: Sequence[ast.AST]) -> Iterator[tuple[str, ast.AST | None]]:
    """The names that a module or a class binds, and what to (None where that does not show).

    Not those of the functions and classes in it.
    """
    for node in body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield node.name, node
            continue
        yield from _bound_by(node)
        yield from bindings(list(_parts(node)))


def _bound_by(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield _name_of(alias), node
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id, None
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name, None
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest, None


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """What is within a node and not a scope of its own."""
    if not isinstance(node, ast.Lambda):
        for part in ast.iter_child_nodes(node):
            if not (isinstance(node, ast.Assign) and isinstance(part, ast.Name)):
                yield part


def _name_of(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _imported_as(by: ast.AST | None, name: str) -> str:
    """The full path of an imported name; empty if it is not imported."""
    if not isinstance(by, ast.Import | ast.ImportFrom):
        return ""
    alias = next(alias for alias in by.names if _name_of(alias) == name)
    if isinstance(by, ast.ImportFrom):
        return f"{'.' * by.level}{by.module or ''}.{alias.name}"
    return alias.name if alias.asname else name
