"""Figures for plotly.js, as plain dicts: no package is needed to make them, and a browser draws them."""
