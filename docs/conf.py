"""The site: `make docs` builds it into docs/_build/html, with warnings as errors."""

import os
from importlib import metadata

project = "deconvgen"
author = "the deconvgen developers"
copyright = "the deconvgen developers, MIT licence"
version = release = metadata.version("deconvgen")

extensions = ["myst_nb", "sphinx_design", "sphinx_copybutton"]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
suppress_warnings = ["mystnb.unknown_mime_type"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = os.environ.get("NOTEBOOKS", "force")  # or off
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True

html_theme = "sphinx_book_theme"
html_title = "deconvgen"
html_theme_options = {
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "home_page_in_toc": True,
}
html_static_path = ["_static"]
html_css_files = ["site.css"]
