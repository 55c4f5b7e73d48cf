// The page works without this script; with it, its tables sort and its drawings answer.
"use strict";
document.documentElement.classList.add("js");
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

/** An SVG element; its attributes are set as text, never as markup. */
function drawn(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** An HTML element with a text. */
function written(name, text = "", className = "") {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** Trial number -> everything on the page that stands for it. */
const marks = new Map();
for (const element of document.querySelectorAll("[data-t]")) {
  const key = element.dataset.t;
  if (!marks.has(key)) marks.set(key, []);
  marks.get(key).push(element);
}
