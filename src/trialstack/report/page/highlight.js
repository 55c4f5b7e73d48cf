/** Marks a trial wherever it is on the page. */
function highlight(key, isHot) {
  for (const element of marks.get(key) ?? []) element.classList.toggle("hot", isHot);
  const line = (marks.get(key) ?? []).find((element) => element.closest("#parallel"));
  const over = document.querySelector("#parallel .over");
  if (over) over.setAttribute("d", isHot && line ? line.getAttribute("d") : "");
}

function placeTip(tip, event) {
  const { offsetWidth: width, offsetHeight: height } = tip;
  const left = Math.min(event.clientX + 14, window.innerWidth - width - 8);
  const above = event.clientY - height - 12;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${above > 4 ? above : event.clientY + 16}px`;
}

function startHighlight(toggle) {
  const tip = byId("tip");
  let hot = null;
  const leave = () => {
    if (hot !== null) highlight(hot, false);
    hot = null;
    tip.hidden = true;
  };
  document.addEventListener("pointerover", (event) => {
    const mark = event.target.closest?.("[data-t]");
    if (!mark) { leave(); return; }
    const key = mark.dataset.t;
    if (key !== hot) { leave(); hot = key; highlight(key, true); }
    const told = data.trials[key];
    if (!told || !mark.closest(".chart")) return;
    const [label, score, detail] = told;
    tip.replaceChildren(written("b", `${label} · ${score}`), detail);
    tip.hidden = false;
    placeTip(tip, event);
  });
  document.addEventListener("pointermove", (event) => { if (!tip.hidden) placeTip(tip, event); });
  document.addEventListener("pointerleave", leave);
  document.addEventListener("scroll", leave, { passive: true });
  document.addEventListener("click", (event) => {
    const mark = event.target.closest?.(".chart [data-t]");
    if (mark) toggle(mark.dataset.t);
  });
}
