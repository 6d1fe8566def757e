"""Settings of the documentation: sphinx-build -W -n -b html docs docs/_build/html."""

import suppress

project = "suppress"
author = "The suppress developers"
project_copyright = "2026, The suppress developers"
version = release = suppress.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
autodoc_mock_imports = ["celery", "django", "pyarrow", "pyspark"]
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = "suppress"
html_static_path: list[str] = []

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_class_signature = "separated"
default_role = "code"
myst_heading_anchors = 3

# Names of other projects, and names without a page.
nitpick_ignore_regex = [
    ("py:.*", r"(bsg_api|celery|django)\..*|ValidationError"),
    ("py:.*", r"(pluggy|click|collections|concurrent|datetime|numpy|pathlib|typing)\..*"),
    ("py:.*", r"(DataFrame|Path|Any|Callable|Collection|Iterable|Iterator|Mapping|Sequence|Set)"),
    ("py:.*", r".*\b(F|P|R|T|Arguments|Details|Unpack|Self|optional|PluginManager)"),
    ("py:.*", r"ChangesAt"),
    ("py:.*", r"suppress\.(numbers\.bulk\.Reader|stop_list\.(forgotten\.Forgotten|run\.Run))"),
    ("py:.*", r"suppress\.opt_outs\.moving\.Addition"),
    ("py:.*", r"suppress\.(screening\.R|settings\.(T|Arguments)|suppressor\.R|default\.R)"),
]
