"""Lists that move between systems: out to a file and back, compared, and handed to a source.

Import it as `suppress.lists`; `import suppress` alone does not.
"""

from suppress.lists.difference import Difference, compare
from suppress.lists.export import Exported, export
from suppress.lists.imported import import_opt_outs
from suppress.lists.membership import Missing
from suppress.lists.push import Lacking, lacking, push
from suppress.opt_outs.moving import Added

__all__ = [
    "Added",
    "Difference",
    "Exported",
    "Lacking",
    "Missing",
    "compare",
    "export",
    "import_opt_outs",
    "lacking",
    "push",
]
