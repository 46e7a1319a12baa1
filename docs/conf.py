"""How Sphinx builds the documentation: every Markdown page of the repository, and the docstrings."""

from __future__ import annotations

import hpsearch

project = "hpsearch"
author = copyright = "The hpsearch maintainers"  # noqa: A001 - Sphinx's name
version = release = hpsearch.__version__

# The repository is the source folder, so that links between its pages are checked and work.
root_doc = "docs/README"
include_patterns = ["docs/**", "*.md", "hpsearch/**.md", "worker/*.md", "scripts/**.md", "tests/**.md"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]

myst_heading_anchors = 4
suppress_warnings = ["myst.xref_missing_folder"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"hpsearch {version}"
