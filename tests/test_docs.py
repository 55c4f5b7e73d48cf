"""The pages of `docs/`: what they link to, show and tell the reader to type is there."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

import trialstack
from trialstack.cli import cli
from trialstack.experiment import Experiment, Ladder
from trialstack.new import write_new

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
ENGLISH, PORTUGUESE = DOCS / "tutorial" / "index.md", DOCS / "tutorial" / "pt.md"
LARGEST_IMAGE = 150 * 1024

BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
INLINE = re.compile(r"`(trialstack [a-z][^`]*)`")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text("utf-8")) if found == language]


def prose(page: Path) -> str:
    return BLOCK.sub("", page.read_text("utf-8"))


def commands() -> list[str]:
    """Every command of trialstack on any page, in blocks and in the text."""
    found = set()
    for page in PAGES:
        lines = "\n".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
        found |= {shlex.join(shlex.split(line, comments=True)) for line in lines}
        found |= set(INLINE.findall(prose(page)))
    return sorted(line for line in found if line.startswith("trialstack "))


def anchors(page: Path) -> set[str]:
    """What MkDocs makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings)
    return {re.sub(r"[\s-]+", "-", heading) for heading in plain}


def test_there_are_pages_and_commands() -> None:
    assert len(PAGES) >= 12
    assert len(commands()) >= 20


@pytest.mark.parametrize("line", commands())
def test_command_is_one(line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    if name.startswith("-"):
        return
    command = cli.commands[name]
    assert not command.hidden
    complete = line not in set(
        itertools.chain.from_iterable(map(INLINE.findall, map(prose, PAGES)))
    )
    with command.make_context(name, arguments, resilient_parsing=not complete) as context:
        given = [p for p in command.params if is_given(context, p)]
    assert [p.name for p in given if isinstance(p, click.Option) and p.hidden] == []
    options = {option for p in command.params for option in p.opts}
    written = {word.partition("=")[0] for word in arguments if word.startswith("-")}
    assert written <= options


def is_given(context: click.Context, parameter: click.Parameter) -> bool:
    source = context.get_parameter_source(parameter.name or "")
    return source is click.core.ParameterSource.COMMANDLINE


@pytest.mark.parametrize("line", commands())
def test_files_of_commands_are_there(line: str) -> None:
    for word in shlex.split(line):
        if word.startswith("experiments/"):
            assert (ROOT / word).is_file()


@each_page
def test_links_and_images(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if re.match(r"\w+://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        if anchor:
            assert anchor in anchors(target), link


@each_page
def test_code_is_code(page: Path) -> None:
    for text in blocks(page, "python"):
        ast.parse(text)
    for text in blocks(page, "toml"):
        if text.startswith("{{"):  # filled in when the pages are built
            continue
        tables = tomllib.loads(text)
        if "name" in tables:  # else it is a part of a file
            (Ladder if "model" in tables else Experiment).from_dict(tables)


@each_page
def test_make_targets_are_there(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    shell = "\n".join(blocks(page, "bash"))
    named = re.findall(r"^make ([a-z-]+)", shell, re.MULTILINE)
    assert {*named, *re.findall(r"`make ([a-z-]+)", prose(page))} <= targets


def test_images_are_small() -> None:
    sizes = {image.name: image.stat().st_size for image in (DOCS / "images").iterdir()}
    assert len(sizes) >= 8
    assert {name: size for name, size in sizes.items() if size > LARGEST_IMAGE} == {}


def test_translation_follows_the_original() -> None:
    def outline(page: Path) -> list[tuple[str, ...]]:
        text = page.read_text("utf-8")
        return [
            tuple(re.findall(r"^(#+) ", text, re.MULTILINE)),
            tuple(re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)),
            tuple(text for _, text in BLOCK.findall(text)),
            tuple(figures(text)),
        ]

    def figures(text: str) -> list[str]:
        """Numbers with decimals, which Portuguese writes with a comma."""
        tables = "\n".join(re.findall(r"^\|.*$", text, re.MULTILINE))
        return [number.replace(",", ".") for number in re.findall(r"\d+[.,]\d+", tables)]

    assert outline(PORTUGUESE) == outline(ENGLISH)


def test_reference_names_everything_public() -> None:
    from trialstack import plots

    page = (DOCS / "reference" / "python.md").read_text("utf-8")
    named = set(re.findall(r"^::: (\S+)$", page, re.MULTILINE))
    public = {f"trialstack.{name}" for name in trialstack.__all__} - {
        "trialstack.__version__",
        "trialstack.plots",
    }
    assert public | {f"trialstack.plots.{name}" for name in plots.__all__} <= named


def test_first_experiment_file_is_shown(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("first_experiment", DOCS / "first_experiment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (DOCS / "reference" / "experiment-file.md").read_text("utf-8")
    written = write_new("my-search", tmp_path).read_text("utf-8")
    assert written in module.on_page_markdown(page, page=None)
    assert module.on_page_markdown("nothing", page=None) == "nothing"


@pytest.mark.slow
def test_pages_build_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="make docs installs it")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    done = subprocess.run(
        [*command, "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "reference" / "cli.html").is_file()
