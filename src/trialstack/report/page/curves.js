const COLOURS = 8;
let chosen = data.chosen.map((key, place) => ({ key, colour: place % COLOURS }));

function freeColour() {
  const used = new Set(chosen.map((one) => one.colour));
  for (let colour = 0; colour < COLOURS; colour++) if (!used.has(colour)) return colour;
  return chosen.length % COLOURS;
}

/** Shows the curves of a run, or takes them away. */
function toggleCurves(key) {
  if (!(key in data.curves)) return;
  const there = chosen.some((one) => one.key === key);
  chosen = there
    ? chosen.filter((one) => one.key !== key)
    : [...chosen, { key, colour: freeColour() }];
  drawCurves();
}

function drawCurves() {
  document.querySelectorAll("svg.curves").forEach((chart, panel) => {
    const paths = [];
    const dots = [];
    for (const { key, colour } of chosen) {
      const [solid, thin, x, y] = data.curves[key][3][panel];
      if (thin) paths.push(drawn("path", { class: `thin k${colour}`, d: thin }));
      if (solid) paths.push(drawn("path", { class: `k${colour}`, d: solid }));
      if (x === undefined) continue;
      dots.push(drawn("circle", { class: `k${colour}`, r: 4.5, cx: `${100 * x}%`, cy: `${100 * (1 - y)}%` }));
    }
    chart.querySelector(".inner").replaceChildren(...paths);
    chart.querySelector(".marks").replaceChildren(...dots);
  });
  byId("chips").replaceChildren(...chosen.map(chip));
  for (const option of byId("add").options) option.disabled = chosen.some((one) => one.key === option.value);
  for (const pick of document.querySelectorAll("#trials .pick")) {
    const found = chosen.find((one) => one.key === pick.closest("tr").dataset.t);
    pick.setAttribute("aria-pressed", String(Boolean(found)));
    pick.className = found ? `pick k${found.colour}` : "pick";
  }
}

function chip({ key, colour }) {
  const [label, detail, score] = data.curves[key];
  const item = written("li", "", `k${colour}`);
  const remove = written("button", "×");
  remove.type = "button";
  remove.setAttribute("aria-label", `Remove ${label}`);
  remove.addEventListener("click", () => toggleCurves(key));
  item.title = detail;
  item.append(written("i", "", "key"), `${label} `, written("small", score), remove);
  return item;
}

function startCurves() {
  const add = byId("add");
  if (!add) return;
  add.append(new Option("choose …", ""));
  for (const [key, [label, detail, score]] of Object.entries(data.curves)) {
    add.append(new Option([label, score, detail].filter(Boolean).join(" · ").slice(0, 90), key));
  }
  add.addEventListener("change", () => {
    if (add.value) toggleCurves(add.value);
    add.value = "";
  });
  byId("none").addEventListener("click", () => { chosen = []; drawCurves(); });
  drawCurves();
}
