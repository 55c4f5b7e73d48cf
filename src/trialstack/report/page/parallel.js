const HALF = 15; // of the strip beside an axis that takes the pointer, in pixels
const STEP = 0.05;
/** Index of an axis -> [low, high], shares of the axis that are let through. */
const brushes = new Map();

/** The value at a share of an axis, in words. */
function valueAt(axis, share) {
  if (axis.kind === "category") {
    const place = Math.round(share * axis.labels.length - 0.5);
    return axis.labels[Math.max(0, Math.min(place, axis.labels.length - 1))];
  }
  const value = axis.kind === "log"
    ? axis.low * (axis.high / axis.low) ** share
    : axis.low + share * (axis.high - axis.low);
  return String(Number(value.toPrecision(3)));
}

function passes(key) {
  for (const [index, [low, high]] of brushes) {
    const place = data.axes[index].places[key];
    if (place === undefined || place < low || place > high) return false;
  }
  return true;
}

function applyBrushes() {
  let count = 0;
  for (const [key, elements] of marks) {
    if (!(key in data.trials)) continue;
    const isIn = passes(key);
    count += isIn;
    for (const element of elements) element.classList.toggle("out", !isIn);
  }
  const within = byId("within");
  const parts = [...brushes].map(([index, [low, high]]) => {
    const axis = data.axes[index];
    return `${axis.name} ${valueAt(axis, low)} to ${valueAt(axis, high)}`;
  });
  within.textContent = `${count} of ${Object.keys(data.trials).length} trials are within ${parts.join(", ")}.`;
  within.hidden = byId("clear").hidden = brushes.size === 0;
}

function startAxis(side) {
  const index = Number(side.dataset.axis);
  const axis = data.axes[index];
  const brush = drawn("rect", { class: "brush", x: -7, width: 14, visibility: "hidden" });
  const hit = drawn("rect", {
    class: "hit", x: -HALF, width: 2 * HALF, y: 0, height: "100%", tabindex: 0, role: "slider",
    "aria-label": `Keep trials by ${axis.name}`, "aria-orientation": "vertical",
    "aria-valuemin": 0, "aria-valuemax": 1, "aria-valuenow": 0, "aria-valuetext": "all",
  });
  side.append(brush, hit);
  const show = (range) => {
    if (range) brushes.set(index, range);
    else brushes.delete(index);
    const [low, high] = range ?? [0, 0];
    brush.setAttribute("visibility", range ? "visible" : "hidden");
    brush.setAttribute("y", `${100 * (1 - high)}%`);
    brush.setAttribute("height", `${100 * (high - low)}%`);
    hit.setAttribute("aria-valuenow", low.toFixed(2));
    hit.setAttribute("aria-valuetext", range ? `${valueAt(axis, low)} to ${valueAt(axis, high)}` : "all");
    applyBrushes();
  };
  const shareAt = (event) => {
    const box = hit.getBoundingClientRect();
    return Math.min(1, Math.max(0, 1 - (event.clientY - box.top) / box.height));
  };
  let from = null;
  hit.addEventListener("pointerdown", (event) => {
    from = shareAt(event);
    hit.setPointerCapture(event.pointerId);
  });
  hit.addEventListener("pointermove", (event) => {
    if (from === null) return;
    const to = shareAt(event);
    if (Math.abs(to - from) > 0.01) show([Math.min(from, to), Math.max(from, to)]);
  });
  hit.addEventListener("pointerup", (event) => {
    if (from !== null && Math.abs(shareAt(event) - from) <= 0.01) show(null); // a click, no drag
    from = null;
  });
  hit.addEventListener("pointercancel", () => { from = null; });
  hit.addEventListener("keydown", (event) => {
    const sign = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Escape") show(null);
    if (!sign) return;
    event.preventDefault();
    const [low, high] = brushes.get(index) ?? (sign > 0 ? [0, 0.25] : [0.75, 1]);
    const moved = brushes.has(index) ? sign * STEP : 0;
    if (event.shiftKey) show([low, Math.min(1, Math.max(low + STEP, high + moved))]);
    else if (low + moved >= -1e-9 && high + moved <= 1 + 1e-9) show([low + moved, high + moved]);
  });
  return () => show(null);
}

function startParallel() {
  const clears = [...document.querySelectorAll("#parallel .side")].map(startAxis);
  byId("clear")?.addEventListener("click", () => clears.forEach((clear) => clear()));
}
