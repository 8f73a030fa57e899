"""Settings of the documentation site and its API reference; `make docs` builds it."""

import re
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

project = "recommender"
author = "the contributors of recommender"
version = release = version_of("recommender")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_build", "tutorials/simulated-practice"]

# Notebooks are shown with the outputs they are stored with; tests run them and compare.
nb_execution_mode = "off"
nb_merge_streams = True

# Anchors of headings as GitHub makes them, so that links work there and here.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]

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


def _link_files_outside(app: Sphinx, page: str, source: list[str]) -> None:
    """Makes links to Markdown files outside this folder links to the file as it is.

    Sphinx takes them for pages otherwise. A file that is not there is a warning still.
    """
    path = Path(app.env.doc2path(page))
    if path.suffix != ".md":
        return

    def as_file(link: re.Match[str]) -> str:
        inside = (path.parent / link[1]).resolve().is_relative_to(Path(app.srcdir).resolve())
        return link[0] if inside else f"](path:{link[1]})"

    source[0] = re.sub(r"\]\((\.\./[^)#]+\.md)(?:#[^)]*)?\)", as_file, source[0])


def setup(app: Sphinx) -> None:
    """Registers what Sphinx calls while it builds."""
    app.connect("source-read", _link_files_outside)
