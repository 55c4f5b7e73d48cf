startLeaderboard(toggleCurves);
startCurves();
startHighlight(toggleCurves);
startParallel();

// Within MLflow's preview the address is MLflow's own: a link to an anchor would leave the page.
for (const link of document.querySelectorAll('nav a[href^="#"]')) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    byId(link.hash.slice(1))?.scrollIntoView({ behavior: "smooth" });
  });
}

// That preview lets no other page be opened either.
if (window.self !== window.top) {
  for (const link of document.querySelectorAll('a[target="_blank"]')) link.replaceWith(link.textContent);
}
