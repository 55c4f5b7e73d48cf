"""Whole pages, made from a store, and what they say."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import trialstack
from trialstack.errors import InputError
from trialstack.report.comparison import compare_runs
from trialstack.report.find import find_runs, find_search
from trialstack.report.page.content import Page
from trialstack.report.page.of_runs import page_of_runs
from trialstack.report.page.of_search import page_of_search
from trialstack.report.page.render import render
from trialstack.report.page.write import default_name
from trialstack.report.search import read_search

EVIL = "</script><script>alert('x')</script> \"q\" & <img src=x onerror=alert(1)>"


class Elements(HTMLParser):
    """What a browser would make of a page, roughly."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.addresses: list[str] = []
        self.scripts: dict[str, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        given = dict(attrs)
        self.names.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if tag == "a" else []
        self.addresses += [given[name] for name in ("src", "data", "action") if name in given]
        if tag == "script":
            self._script = given.get("id", "")
            self.scripts.setdefault(self._script, "")

    def handle_startendtag(self, tag, attrs) -> None:
        self.names.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[self._script] += data


def page_of(written, reference: str) -> Page:
    return page_of_search(
        written.runs, read_search(written.runs, find_search(written.runs, reference))
    )


@pytest.fixture(scope="module")
def page(written) -> Page:
    return page_of(written, f"rings@{written.ids['search']}")


def test_a_page_says_the_result_first(page: Page) -> None:
    assert page.result.startswith("The final model has an AUC of 1.0000 (95 % interval 0.")
    assert page.result.endswith(" to 1.0000) on 8 sealed test rows.")
    said = "\n".join(page.sentences)
    assert "final and baseline: difference in AUC 0.1250" in said or "better than baseline" in said
    assert "best of 6 trials, trial 001: val_auc 0.8750 in epoch 3 (of 0 to 4)." in said
    assert "2 trials share the best val_auc; the one that was asked first won" in said
    assert "1 trial failed: ValueError: no width (1)." in said
    assert page.state == ""
    assert page.importances is not None
    assert page.importances.reason.startswith("4 trials have a score")


def test_a_page_is_whole_and_asks_nothing_of_a_network(page: Page) -> None:
    text = render(page)
    elements = Elements(text)
    assert elements.open == []
    assert len(elements.ids) == len(set(elements.ids))
    assert "link" not in elements.names
    assert all(address.startswith("data:image/") for address in elements.addresses)
    assert "url(" not in text
    assert "@import" not in text
    anchors = [link[1:] for link in elements.links if link.startswith("#")]
    assert anchors == [anchor for anchor, _ in page.sections]
    assert set(anchors) <= set(elements.ids)
    data = json.loads(elements.scripts["data"])
    assert data["trials"]["1"] == ["trial 001", "0.8750", "units_1 16 · rate 0.01 · shuffle true"]
    assert set(data["chosen"]) <= set(data["curves"])
    for name in ("unit", "rate", "ValueError: no width", "trialstack report"):
        assert name in text


def test_text_of_users_is_text_and_nothing_else(page: Page) -> None:
    assert page.leaderboard is not None
    assert page.curves is not None
    assert page.reproduction is not None
    entry = replace(page.curves.entries[0], label=EVIL, detail=EVIL)
    cell = replace(page.leaderboard.rows[0].cells[-1], text=EVIL, sort=EVIL)
    row = page.leaderboard.rows[0]
    evil = replace(
        page,
        title=EVIL,
        subtitle=EVIL,
        result=EVIL,
        state=EVIL,
        objective=EVIL,
        sentences=[EVIL],
        warnings=[EVIL],
        data=[(EVIL, EVIL)],
        reasons=[(EVIL, 1)],
        failures=[replace(page.failures[0], name=EVIL, reason=EVIL)] * 2,
        curves=replace(page.curves, entries=(entry, *page.curves.entries[1:])),
        leaderboard=replace(
            page.leaderboard,
            columns=(*page.leaderboard.columns[:-1], EVIL),
            rows=(replace(row, cells=(*row.cells[:-1], cell)),),
        ),
        panels=[replace(chart, name=EVIL) for chart in page.panels],
        reproduction=replace(page.reproduction, experiment_file=EVIL, commands=(EVIL,)),
    )
    text = render(evil)
    elements = Elements(text)
    assert elements.open == []
    assert elements.names.count("script") == 2
    assert "img" not in elements.names
    assert "<script>alert" not in text
    assert json.loads(elements.scripts["data"])["objective"] == EVIL
    assert json.loads(elements.scripts["data"])["curves"][entry.key][0] == EVIL


def test_a_search_that_runs_has_a_page(written) -> None:
    page = page_of(written, "moons")
    assert page.state == "This search is still running: 2 of 6 trials have begun."
    assert "1 running" in [tile.note for tile in page.tiles]
    assert page.leaderboard is not None
    assert page.leaderboard.rows[1].status == "running"
    assert Elements(render(page)).open == []


def test_a_search_without_a_score_has_a_page(written) -> None:
    page = page_of(written, "broken")
    assert page.result.startswith("No trial has come to a score")
    assert page.over_trials is None
    assert Elements(render(page)).open == []


def test_chosen_runs_have_a_page(written) -> None:
    ids = [written.ids[name] for name in ("baseline", "final", "moons/final")]
    comparison = compare_runs(written.runs, find_runs(written.runs, ids))
    page = page_of_runs(written.runs, comparison)
    assert page.title == "3 runs"
    assert page.table is not None
    assert len(page.table.rows) == 3
    assert page.warnings == ["Not comparable: their scores are of different data."]
    assert page.models is not None
    assert any("other test rows" in sentence for sentence in page.models.sentences)
    assert page.models.rows == ""
    elements = Elements(render(page))
    assert elements.open == []
    assert {"runs", "evaluation"} <= set(elements.ids)


def test_a_report_is_written(written, in_folder_of, in_tmp: Path) -> None:
    search = read_search(written.runs, find_search(written.runs, "rings"))
    file = trialstack.write_report("rings")
    assert file.name == default_name(search) == f"rings-{written.ids['second'][:8]}.html"
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    strange = replace(search, run=replace(search.run, experiment="../a b/ç"))
    assert default_name(strange).startswith("a-b-ç-")
    with pytest.raises(InputError, match="No such file or directory; give another file"):
        trialstack.write_report("rings", in_tmp / "nowhere" / "out.html")
