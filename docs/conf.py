"""The documentation site: Sphinx reads Markdown by MyST; `python3 run.py docs` builds it, without a network."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

project = "perfml"
author = "the perfml authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "generated"]
html_theme = "furo"
html_title = "perfml"
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_copy_source = False
exclude_patterns = ["_ext"]
nitpicky = False  # docstrings also name types of other libraries, whose pages an offline build cannot reach

myst_enable_extensions = ["attrs_inline", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_use_type_comments = False
