// Draws the pictures of a report when they come into view, and again when the theme changes.
"use strict";

const figures = JSON.parse(document.getElementById("figures").textContent);
const places = [...document.querySelectorAll("[data-figure]")];
const draw = (place) => drawFigure(place, figures[place.dataset.figure]);

const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    watcher.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "300px" });
places.forEach((place) => watcher.observe(place));

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  places.filter((place) => place.childElementCount).forEach(draw);
});
addEventListener("beforeprint", () => places.filter((place) => !place.childElementCount).forEach(draw));
