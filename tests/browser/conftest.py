"""A store to look at, its UI, and a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from mlflow_pages import Browser, find_chromium
from shown_store import COMMANDS, Shown, make_store, served

if TYPE_CHECKING:
    from playwright.sync_api import Playwright


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; tests are skipped where there is none."""
    pytest.importorskip("playwright", reason="no Playwright: `make test-browser` installs it")
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium: install it, for example with `apt-get install chromium`")
    return executable


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Shown]:
    """A store with two searches and a ladder, and its UI."""
    with served(make_store(tmp_path_factory.mktemp("shown"), COMMANDS)) as shown:
        yield shown


@pytest.fixture(scope="session")
def driver(chromium: str) -> Iterator[Playwright]:
    """Playwright, which a process can start only once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browsers(driver: Playwright, chromium: str) -> Iterator[Callable[..., Browser]]:
    """Starts browsers; those with the same options are one."""
    started: dict[Any, Browser] = {}

    def browser(**options: Any) -> Browser:
        key = tuple(sorted(options.items()))
        if key not in started:
            started[key] = Browser(driver, chromium, **options)
        started[key].problems.clear()
        return started[key]

    yield browser
    for each in started.values():
        each.close()


@pytest.fixture
def browser(browsers: Callable[..., Browser]) -> Iterator[Browser]:
    """A browser; its page must be sound at the end of the test."""
    used = browsers()
    yield used
    used.assert_sound()
