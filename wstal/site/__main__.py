"""`python -m wstal.site`: reports/index.html and reports/site/, in a stage. With a folder: reports/ there, and documents.

Documents (docs/, a page a method, the API) change with the code and lie in no commit, so that a changed docstring makes no
result stale: `make docs` builds them, and so does the workflow that publishes the site.
"""

import shutil
import sys
from pathlib import Path

from wstal.base.paths import PIPELINE, Tree
from wstal.config import parameters
from wstal.site import build, documents


def main(argv: list[str]) -> int:
    """The site in reports/, or with documents in the folder that is named; the exit status."""
    params = parameters.load()
    if not argv:
        build.write(params, PIPELINE)
        return 0
    tree = Tree(Path(argv[0]))
    shutil.rmtree(tree.root, ignore_errors=True)
    shutil.copytree(PIPELINE.index().parent, tree.index().parent)
    site = build.write(params, tree, documented=True)
    documents.write(site, params)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
