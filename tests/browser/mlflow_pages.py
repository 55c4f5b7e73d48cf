"""MLflow's pages in a headless Chromium, as a person's browser would show them."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Locator, Page, Playwright, Response, Route

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",  # the root of a container has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 120_000  # milliseconds: the machine may be busy with other tests

# What somebody's browser remembers after a first visit: which half of MLflow is wanted, that the
# assistant is closed and that the registry's greeting was read.
VISITED_BEFORE = {
    "mlflow.workflowType_v1": '"machine_learning"',
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true",
    "mlflow.assistant.panelOpen_v1": "false",
    "_mlflow_model_registry_promo_modal_dismissed_v1": "true",
}
REMEMBER = (
    "try {{ for (const [k, v] of Object.entries({})) localStorage.setItem(k, v) }} catch {{}}"
)

# Seen on MLflow's pages where all is well.
HARMLESS = (
    "/users/current",
    "ResizeObserver loop",
    "console: Error: <",  # its charts, drawn while they have no size yet
)

BROKEN = re.compile(
    r"Oops|Something went wrong|(Failed|Unable) to (load|list|fetch|render|retrieve)"
    r"|Couldn't load|Error (while|loading|fetching)|An error occurred|File is too large"
    r"|Loading Artifact Failed|share key is invalid"
)

CARD = "experiment-view-compare-runs-card"

TABLE = """() => {
  const left = cell => cell.getBoundingClientRect().left;
  const heads = [...document.querySelectorAll('.ag-header-cell[col-id]')]
    .filter(cell => cell.innerText.trim()).sort((a, b) => left(a) - left(b));
  const rows = {};
  for (const row of document.querySelectorAll('.ag-row[row-index]'))
    for (const cell of row.querySelectorAll('.ag-cell'))
      (rows[row.getAttribute('row-index')] ??= {})[cell.getAttribute('col-id')] =
        cell.innerText.replace(/^#[0-9a-f]{6}\\s*/, '').trim();
  return {
    columns: heads.map(cell => cell.innerText.trim()),
    rows: Object.entries(rows).sort((a, b) => a[0] - b[0]).map(([_, cells]) =>
      Object.fromEntries(heads.map(h => [h.innerText.trim(), cells[h.getAttribute('col-id')]]))),
  };
}"""

COLOURS = """card => new Set([...card.querySelectorAll('.js-line')]
  .map(line => getComputedStyle(line).stroke)).size"""

IMAGES = """card => [...card.querySelectorAll('img')].map(image => ({
  run: image.closest('div[style], div').parentElement.innerText.trim(),
  path: new URLSearchParams(image.src.split('?')[1]).get('path'),
  width: image.complete ? image.naturalWidth : 0,
}))"""


def find_chromium() -> str | None:
    """Path of a Chromium or Chrome, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class RunTable:
    """MLflow's table of runs: names of its columns from left to right, and its rows."""

    columns: list[str]
    rows: list[dict[str, str]]

    def column(self, name: str) -> list[str]:
        return [row[name] for row in self.rows]


class Browser:
    """Opens pages and notes what goes wrong on them.

    Args:
        playwright: Playwright, started.
        executable: Path of Chromium.
        size: Of the window; columns of tables and charts outside it do not exist.
        first_visit: Whether it is a browser that has never seen MLflow.
    """

    def __init__(
        self,
        playwright: Playwright,
        executable: str,
        size: tuple[int, int] = (2000, 2800),
        first_visit: bool = False,
    ) -> None:
        from playwright.sync_api import expect

        expect.set_options(timeout=PATIENCE)
        self.expect = expect
        self.problems: list[str] = []
        self._browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        viewport: Any = {"width": size[0], "height": size[1]}
        self._context = self._browser.new_context(viewport=viewport)
        self._context.set_default_timeout(PATIENCE)
        if not first_visit:
            self._context.add_init_script(REMEMBER.format(json.dumps(VISITED_BEFORE)))
        self._context.route("**/*", self._only_here)
        self.page = self._context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self._note(f"exception: {error}"))
        self.page.on("response", self._response)

    def open(self, link: str) -> Page:
        """Opens a page; not just another part of the open one, as a change behind # would."""
        self.page.goto("about:blank")
        self.page.goto(link)
        return self.page

    def follow(self, link: Locator) -> Page:
        """Opens in this tab what a link of a description opens in a new one."""
        with self.page.expect_popup() as opened:
            link.click()
        address = opened.value.url
        opened.value.close()
        return self.open(address)

    def close(self) -> None:
        self._browser.close()

    # --- what is on a page --------------------------------------------------------------------

    def table(self, rows: int) -> RunTable:
        """The table of runs, once it has so many rows."""
        plural = "s" if rows != 1 else ""
        self.expect(self.page.get_by_text(f"{rows} matching run{plural}")).to_be_visible()
        self.expect(self.page.locator(".ag-center-cols-container .ag-row")).to_have_count(rows)
        looks: list[Any] = [None]

        def is_whole(seen: Any) -> bool:
            """Cells and columns come one after the other."""
            looks.append(seen)
            cells = [cell for row in seen["rows"] for cell in row.values()]
            return "Run Name" in seen["columns"] and None not in cells and seen == looks[-2]

        return RunTable(**self.until(lambda: self.page.evaluate(TABLE), is_whole))

    def cards(self, count: int) -> dict[str, Locator]:
        """The charts of a page by their titles, once there are so many."""
        found = self.page.get_by_test_id(CARD)
        self.expect(found).to_have_count(count)
        cards = [found.nth(place) for place in range(count)]
        titles = self.until(
            lambda: [card.inner_text().partition("\n")[0] for card in cards],
            lambda titles: len({*titles} - {""}) == count,
        )
        return dict(zip(titles, cards, strict=True))

    def lines(self, card: Locator, count: int) -> int:
        """How many lines a chart has, once there are so many; each has a colour of its own."""
        card.scroll_into_view_if_needed()
        return int(self.until(lambda: card.evaluate(COLOURS), lambda seen: seen == count))

    def images(self, card: Locator, count: int) -> list[dict[str, Any]]:
        """The pictures of an image grid, once so many are loaded."""
        seen = self.until(
            lambda: card.evaluate(IMAGES),
            lambda found: len(found) == count and all(image["width"] for image in found),
        )
        assert len(seen) == count
        assert all(image["width"] for image in seen)
        return list(seen)

    def slide(self, card: Locator, step: int, count: int) -> list[str]:
        """Moves the slider of an image grid to the right; paths of the pictures there, if so many.

        The steps of the slider are those at which any of the runs has a picture.
        """
        slider = card.get_by_role("slider")
        now = -1
        while now < step:
            now = int(slider.get_attribute("aria-valuenow") or 0)
            if now < step:
                slider.press("ArrowRight")
                self.expect(slider).not_to_have_attribute("aria-valuenow", str(now))
        seen = self.until(
            lambda: card.evaluate(IMAGES),
            lambda found: [f"+step+{step}+" in image["path"] for image in found] == [True] * count,
        )
        return [image["path"] for image in seen]

    def until(self, look: Callable[[], Any], right: Callable[[Any], bool]) -> Any:
        """What is seen, once it is right; as it is in the end if it never is."""
        end = time.monotonic() + PATIENCE / 1000
        while not right(seen := look()) and time.monotonic() < end:
            self.page.wait_for_timeout(250)
        return seen

    def until_at_rest(self) -> bytes:
        """What the window shows once it no longer changes: a PNG file's bytes."""
        shots = [b"", self.page.screenshot()]

        def look() -> bool:
            shots[:] = [shots[1], self.page.screenshot()]
            return shots[0] == shots[1]

        self.until(look, bool)
        return shots[1]

    def assert_sound(self) -> None:
        """Nothing on the page is broken and nothing was complained of since it was opened."""
        broken = BROKEN.search(self.page.locator("body").inner_text())
        assert broken is None, broken
        assert not self.problems, "\n".join(self.problems)

    # --- what goes wrong ----------------------------------------------------------------------

    def _note(self, problem: str) -> None:
        if not any(text in problem for text in HARMLESS):
            self.problems.append(f"{self.page.url}: {problem}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"console: {message.text} ({message.location['url']})")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self._note(f"answer {response.status}: {response.url}")

    def _only_here(self, route: Route) -> None:
        """Nothing may be fetched from anywhere else: stores are browsed offline, too."""
        url = route.request.url
        if url.startswith(("http://127.0.0.1:", "data:", "blob:", "about:")):
            route.continue_()
        else:
            self._note(f"wants {url}")
            route.abort()
