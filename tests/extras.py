"""Imports what an extra brings, and every plugin; for `nox -s extras`, where it is installed alone.

python tests/extras.py EXTRA
"""

import importlib
import re
import sys
from importlib import metadata

(EXTRA,) = sys.argv[1:]


def requirements() -> set[str]:
    """The distributions that the extra names."""
    marked = re.compile(rf"""([\w.-]+).*;.*extra == ['"]{EXTRA}['"]""")
    found = map(marked.match, metadata.requires("suppress-filter") or ())
    return {each[1] for each in found if each is not None}


def main() -> None:
    wanted = requirements()
    for module, owners in metadata.packages_distributions().items():
        if wanted & set(owners) and not module.startswith("_"):
            importlib.import_module(module)
    for point in metadata.entry_points(group="suppress"):
        try:
            point.load()
        except ModuleNotFoundError as error:
            # The plugin of another extra is not there.
            if EXTRA == "all" or (error.name or "").startswith("suppress"):
                raise
    print(f"{EXTRA}: {', '.join(sorted(wanted)) or 'nothing more'}")


if __name__ == "__main__":
    main()
