"""Sphinx's settings: `make docs` builds the pages beside this file, and a reference out of the docstrings."""

from hygiesync.version import __version__

project = "hygiesync"
author = "the authors of hygiesync"
project_copyright = author
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "experiments"]
html_theme = "alabaster"
html_theme_options = {"description": "One person's face speaks any audio", "page_width": "1100px"}

napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_admonition_for_examples = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings give types with shapes and units

myst_heading_anchors = 3
# The pages also link to files of the repository that are no pages; tests/test_docs.py follows every such link.
suppress_warnings = ["myst.xref_missing"]
