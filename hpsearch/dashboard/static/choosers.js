// Choosers of parameters redraw their picture at each change, and keep the choice while the tab is open.
// Without this file, they lead to a page with the numbers of the chosen parameters.

import { panels } from "./panels.js";

for (const form of document.querySelectorAll("[data-figure] form[data-chooser]")) {
  const panel = form.closest("[data-figure]");
  const key = `hpsearch:${location.pathname}:${form.dataset.chooser}`;
  form.querySelector("button").hidden = true; // the link of the picture does the same
  form.addEventListener("change", () => apply(form, panel, key));
  const kept = JSON.parse(sessionStorage.getItem(key) ?? "[]");
  if (kept.length) {
    restore(form, kept);
    apply(form, panel, key);
  }
}

function apply(form, panel, key) {
  const labels = new FormData(form).getAll("label").filter(Boolean);
  sessionStorage.setItem(key, JSON.stringify(labels));
  const query = labels.map((label) => `&label=${encodeURIComponent(label)}`).join("");
  panel.querySelector("a.numbers").href = form.getAttribute("action") + query.replace("&", "?");
  panels.choose(panel, query);
}

function restore(form, labels) {
  for (const box of form.querySelectorAll("input")) box.checked = labels.includes(box.value);
  form.querySelectorAll("select").forEach((select, i) => {
    select.value = labels[i] ?? "";
    if (select.selectedIndex < 0) select.value = ""; // the search has no such parameter any more
  });
  form.parentElement.open = true;
}
