"""The stage `plan`: python -m wstal.app.plan writes what params.yaml comes to, wstal/config/plan.py, if it is well-formed."""

import sys

import msgspec

from wstal import published
from wstal.app.check import check
from wstal.base import files, yamlfile
from wstal.base.errors import UserError
from wstal.base.paths import PIPELINE, Tree
from wstal.config import parameters, plan
from wstal.config.parameters import Params
from wstal.config.plan import JudgingPlan


def write(params: Params, tree: Tree) -> None:
    """All files of the plan."""
    for name, content in plan.files(params).items():
        if isinstance(content, JudgingPlan):
            content = msgspec.structs.replace(content, printed=msgspec.to_builtins(published.entry(content.entry)))
        files.write(tree.output(tree.plan() / name), yamlfile.text(content))


def main() -> int:
    """Check params.yaml and write the plan; the exit status."""
    try:
        raw = parameters.read()
        print(check(raw))
        write(parameters.load(raw), PIPELINE)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
