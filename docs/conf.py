"""How Sphinx builds this folder and the API reference; `make docs` runs it."""

from importlib.metadata import version as version_of

project = "recommender"
author = "the contributors of recommender"
version = release = version_of("recommender")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

# Anchors of headings as GitHub makes them, so that links work there and here.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]

autosummary_generate = True
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False

# Pages load nothing from elsewhere: the theme's fonts and scripts are its own.
html_theme = "furo"
html_title = "recommender"
html_show_sphinx = False
html_copy_source = False
