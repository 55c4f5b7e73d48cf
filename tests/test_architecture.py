from __future__ import annotations

import ast
import functools
import importlib
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import trialstack

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "trialstack"

# Everything at the top of the package, each above all that it may import. What is new gets its
# place here.
LAYERS = (
    "__main__",
    "cli",
    "commands",
    "options",
    "exits",
    "new",
    "live",
    "console",
    "pipeline",
    "searches",
    "report",
    "registry",
    "tuners",
    "executors",
    "cores",
    "tracking",
    "hypermodels",
    "plots",
    "experiment",
    "evaluation",
    "preprocessing",
    "datasets",
    "tables",
    "markdown",
    "quiet",
    "logs",
    "signals",
    "durations",
    "trials",
    "errors",
    "__init__",  # the version, and names that are imported when they are used
)

# library -> the only modules (packages, or single ones) that may import it
OWNERS = {
    "keras_tuner": ("hypermodels", "tuners"),
    "mlflow": ("registry", "report", "tracking"),
    "pydantic": ("experiment",),
    "ray": ("executors.on_ray",),
    "rich": ("console", "live", "tables"),
    "click": ("cli", "exits", "options"),
    "trialstack.tracking.mlflow": (
        "pipeline.main",
        "pipeline.sweep_lr",
        "pipeline.sync",
        "pipeline.train",
        "tracking",
        "tuners.tracked",
    ),
}

# Modules that the command line reaches before it knows that the input is good.
LIGHT = ("__main__", "cli", "commands", "console", "durations", "errors", "experiment", "new")
LIGHT += (
    "exits",
    "live",
    "options",
    "pipeline.__init__",
    "pipeline.main",
    "pipeline.sweep_lr",
    "pipeline.sync",
    "pipeline.train",
    "quiet",
    "report",
    "searches",
    "signals",
    "tables",
    "markdown",
    "trials",
)
HEAVY = {"keras", "keras_tuner", "matplotlib", "mlflow", "pandas", "scipy", "sklearn", "tensorflow"}

# import name -> name to install, where they differ
DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn"}


@dataclass(frozen=True)
class Import:
    """One import statement of a module of ours."""

    module: str  # without "trialstack."
    line: int
    target: str
    for_types_only: bool
    at_top: bool

    def __str__(self) -> str:
        return f"{self.module}, line {self.line}: {self.target}"

    @property
    def library(self) -> str:
        return self.target.partition(".")[0]


@functools.cache
def all_imports() -> tuple[Import, ...]:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 50
    return tuple(found for file in files for found in imports_of(file))


def imports_of(file: Path) -> Iterator[Import]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    module = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
    of_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for statement in block.body
        for node in ast.walk(statement)
    }
    in_functions = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        for target in targets(node):
            yield Import(
                module,
                node.lineno,  # type: ignore[attr-defined]
                target,
                id(node) in of_types,
                id(node) not in in_functions,
            )


def targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative import"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def is_within(name: str, owner: str) -> bool:
    return name == owner or name.startswith(f"{owner}.")


def layer_of(target: str) -> int:
    """Of something imported from trialstack; names of the package itself count as `__init__`."""
    parts = target.split(".")
    name = parts[1] if len(parts) > 1 else "__init__"
    there = (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()
    return LAYERS.index(name if there else "__init__")


def test_every_module_has_a_layer() -> None:
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}
    there |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert there == set(LAYERS)


def test_dependencies_point_one_way() -> None:
    wrong = [
        str(found)
        for found in all_imports()
        if found.library == "trialstack" and not found.for_types_only
        if (own := found.module.partition(".")[0]) != found.target.split(".")[1]
        if layer_of(found.target) <= LAYERS.index(own)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", OWNERS)
def test_library_is_imported_by_its_owners_only(library: str) -> None:
    wrong = [
        str(found)
        for found in all_imports()
        if is_within(found.target, library) and not found.for_types_only
        if not any(is_within(found.module, owner) for owner in OWNERS[library])
    ]
    assert not wrong, "\n".join(wrong)


def test_light_modules_import_heavy_libraries_late() -> None:
    wrong = [
        str(found)
        for found in all_imports()
        if found.library in HEAVY and found.at_top and not found.for_types_only
        if any(is_within(found.module, light) for light in LIGHT)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_library_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    declared = {name_of(line) for line in project["dependencies"]}
    declared |= {name_of(line) for extra in optional if extra != "dev" for line in optional[extra]}
    imported = {found.library for found in all_imports()} - sys.stdlib_module_names
    needed = {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in imported}
    assert needed - {"trialstack"} <= declared


def name_of(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found
    return found[0].lower().replace("_", "-")


def test_constraints_are_exact_versions_of_everything_declared() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r"[a-z0-9.-]+==[\w.]+( ; [\w .'<>=!]+)?", line), line
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {name_of(line) for line in project["dependencies"]}
    wanted |= {name_of(line) for line in project["optional-dependencies"]["dev"]}
    assert wanted <= {name_of(line) for line in lines}


def test_public_names_are_sorted_complete_and_there() -> None:
    names = trialstack.__all__
    assert names == sorted(names)
    assert set(names) == {"__version__", *trialstack._HOME}
    assert dir(trialstack) == names
    for name in names:
        assert getattr(trialstack, name) is not None
    with pytest.raises(AttributeError, match="trialstack"):
        trialstack.nothing_of_this_name  # noqa: B018


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, id=file.parent.name) for file in sorted(PACKAGE.glob("*/__init__.py"))],
)
def test_packages_only_export(file: Path) -> None:
    """An `__init__.py` holds a docstring, imports, and `__all__` of what it imports."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    imported: list[str] = []
    exported: list[str] = []
    for node in tree.body[1:]:
        if isinstance(node, ast.ImportFrom):
            imported += [alias.asname or alias.name for alias in node.names]
        else:
            assert isinstance(node, ast.Assign), ast.unparse(node)
            assert ast.unparse(node.targets[0]) == "__all__"
            exported = ast.literal_eval(node.value)
    public = sorted(name for name in imported if name != "annotations")
    assert exported == public


def test_version_is_the_installed_one() -> None:
    assert importlib.metadata.version("trialstack") == trialstack.__version__
