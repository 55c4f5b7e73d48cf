"""`trialstack compare`."""

from __future__ import annotations

import sys
from pathlib import Path

from trialstack.commands.compared import print_comparison
from trialstack.commands.report import require_target, told
from trialstack.console import print_json
from trialstack.errors import InputError
from trialstack.quiet import silence_libraries
from trialstack.report.comparison import Comparison
from trialstack.report.find import require_experiment
from trialstack.report.frames import compared_runs
from trialstack.report.page.write import save_page
from trialstack.report.runs import RunStore
from trialstack.report.table import comparison_columns, data_frame
from trialstack.tracking.ui import ui_command

STDOUT = "-"


def run_compare(
    name: str | None,
    chosen: str | None,
    *,
    top: int,
    as_json: bool,
    csv: str | None,
    html: str | None,
    tracking_uri: str | None,
) -> None:
    """Reads runs from MLflow and prints them side by side.

    `--json` prints one object:

    - `tracking_uri`;
    - `search`: `experiment`, `run_id`, `name`, `status`, `objective`, `direction`, `trials`
      (numbers `finished`, `failed`, `running`, `killed`, and `max`), `seconds`, `model` (`uri`,
      `alias`, or null); null with `--runs`;
    - `runs`, in the order of the table: `run_id`, `name`, `kind`, `experiment`, `search_run_id`,
      `status`, `rank`, `objective`, `score`, `best_epoch`, `epochs`, `seconds`, `weights`,
      `hyperparameters`, `test` (the scores on the sealed test rows, an interval `NAME_ci` beside
      those that have one, `rows`), `metrics` (the last values), `data_digest`, `test_digest`;
      null where a run has none;
    - `differing`: names of the hyperparameters that are not the same in all runs;
    - `paired_tests` of models on the same test rows: run ids `new` and `old`, `auc_difference`,
      `ci`, `p`, `p_one_sided`, `method`, `rows`; `accuracy_difference`, `accuracy_ci`,
      `accuracy_p`, `only_new_right`, `only_old_right`; `sentence`;
    - `not_tested`: `new`, `old`, `reason`;
    - `links`: name of a page of the MLflow UI -> address.

    Args:
        name: `NAME` or `NAME@SEARCH_RUN_ID`; not needed if runs are chosen.
        chosen: Run ids, separated by commas; None if a search is named.
        top: So many trials at most.
        as_json: Print JSON instead of tables.
        csv: File to write the table to, `-` for stdout instead of tables; None for neither.
        html: File to write a page to, `-` for stdout instead of tables; None for neither.
        tracking_uri: Of the store; None = its default.
    """
    silence_libraries()
    wanted = _wanted(name, chosen, csv)
    require_target("--csv", csv)
    require_target("--html", html)
    _require_one_output(as_json, csv, html)
    runs = RunStore.at(tracking_uri)
    if name and chosen:
        require_experiment(runs, name)
    comparison = compared_runs(runs, wanted, top)
    if csv is not None:
        _write_csv(comparison, csv)
    if html is not None:
        _write_html(runs, comparison, html, top)
    if as_json:
        print_json(comparison.as_dict())
    elif STDOUT not in {csv, html}:
        print_comparison(comparison, ui_command(runs.store))


def _wanted(name: str | None, chosen: str | None, csv: str | None) -> str | list[str]:
    if chosen is not None:
        ids = [part.strip() for part in chosen.split(",") if part.strip()]
        if len(ids) < 2:
            raise InputError(f"--runs: {chosen!r} came; give two ids or more, as in --runs ID,ID")
        return ids
    if not name:
        after = f" (--csv took {csv!r}: give NAME before it)" if csv not in {None, STDOUT} else ""
        raise InputError(f"no experiment came; give its NAME, or runs with --runs ID,ID{after}")
    return name


def _require_one_output(as_json: bool, csv: str | None, html: str | None) -> None:
    wanting = {"--json": as_json, "--csv": csv == STDOUT, "--html": html == STDOUT}
    several = [option for option, wants in wanting.items() if wants]
    if len(several) > 1:
        raise InputError(
            f"{' and '.join(several[:2])} both want stdout; give one of them, or {several[-1]} FILE"
        )


def _write_html(runs: RunStore, comparison: Comparison, target: str, top: int) -> None:
    """The page of the search, in which so many of its trials are chosen, or of the chosen runs."""
    from trialstack.report.page.of_runs import page_of_runs
    from trialstack.report.page.of_search import MOST_CHOSEN, page_of_search
    from trialstack.report.page.render import render

    search = comparison.search
    if search is not None:
        page = page_of_search(runs, search, min(top, MOST_CHOSEN))
    else:
        page = page_of_runs(runs, comparison)
    text = render(page)
    if target == STDOUT:
        print(text, end="")
        return
    print(told(save_page(text, Path(target), "--html")), file=sys.stderr)


def _write_csv(comparison: Comparison, target: str) -> None:
    text = data_frame(comparison_columns(comparison)).to_csv(index=False, lineterminator="\n")
    if target == STDOUT:
        print(text, end="")
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"--csv {target}: {error.strerror}; give another file") from error
    print(f"{target} is written", file=sys.stderr)
