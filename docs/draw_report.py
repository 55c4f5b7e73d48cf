"""Searches, writes the report, and takes the picture of its top for the documentation.

    python docs/draw_report.py

Needs Chromium. Everything else runs in a temporary folder.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from small_png import save_png

import trialstack

EXPERIMENT = Path(__file__).resolve().parents[1] / "experiments" / "circles_search.toml"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WINDOW = "1100,1720"


def main() -> None:
    """Searches, writes, and takes the picture."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/mlflow.db"
        experiment = trialstack.Experiment.load(EXPERIMENT)
        trialstack.tune(experiment, tracking_uri=store)
        page = trialstack.write_report(experiment.name, f"{folder}/page.html", tracking_uri=store)
        save_png("report", picture_of(page))


def picture_of(page: Path) -> bytes:
    """The top of a page as a browser shows it, a PNG file's bytes."""
    browser = next(filter(None, map(shutil.which, BROWSERS)))
    picture = page.with_suffix(".png")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    options += [f"--window-size={WINDOW}", f"--screenshot={picture}"]
    subprocess.run([browser, *options, page.as_uri()], check=True, capture_output=True)
    return picture.read_bytes()


if __name__ == "__main__":
    main()
