// Draws figures in the colours of the page: figures name CSS variables, which plotly.js does not know.
"use strict";

// Return a figure with each "var(--plot-...)" replaced by its value.
function themed(figure) {
  const style = getComputedStyle(document.documentElement);
  return JSON.parse(JSON.stringify(figure), (key, value) =>
    typeof value === "string" && value.startsWith("var(--plot-")
      ? style.getPropertyValue(value.slice(4, -1)).trim()
      : value);
}

// Draw a figure into an element, or again with new data or colours; the zoom stays.
function drawFigure(element, figure) {
  const { data, layout, config } = themed(figure);
  return Plotly.react(element, data, layout, config);
}
