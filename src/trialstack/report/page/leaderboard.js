const SHOWN_ROWS = 15;

/** Sorts the table by a column; cells without a value stay last. */
function sortTrials(table, column, descending) {
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => [row.cells[column].dataset.v, row]);
  const isNumber = keyed.every(([value]) => value === "" || !Number.isNaN(Number(value)));
  const sign = descending ? -1 : 1;
  keyed.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    return sign * (isNumber ? a - b : a.localeCompare(b));
  });
  body.append(...keyed.map(([, row]) => row));
  [...table.tHead.rows[0].cells].forEach((cell, place) => {
    if (place === column) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  });
}

function startLeaderboard(toggle) {
  const table = byId("trials");
  if (!table) return;
  [...table.tHead.rows[0].cells].forEach((cell, column) => {
    const button = written("button", cell.textContent, "sort");
    button.type = "button";
    button.addEventListener("click", () =>
      sortTrials(table, column, cell.getAttribute("aria-sort") === "ascending"));
    cell.replaceChildren(button);
  });
  for (const row of table.tBodies[0].rows) {
    if (!(row.dataset.t in data.curves)) continue;
    const pick = written("button", row.cells[0].textContent || "+", "pick");
    pick.type = "button";
    pick.setAttribute("aria-pressed", "false");
    pick.setAttribute("aria-label", `Learning curves of trial ${row.dataset.t}`);
    pick.addEventListener("click", () => toggle(row.dataset.t));
    row.cells[0].replaceChildren(pick);
  }
  const all = byId("all");
  const count = table.tBodies[0].rows.length;
  if (count <= SHOWN_ROWS) return;
  const told = () => { all.textContent = table.classList.contains("all") ? "show fewer" : `show all ${count} trials`; };
  all.hidden = false;
  all.addEventListener("click", () => { table.classList.toggle("all"); told(); });
  told();
}
