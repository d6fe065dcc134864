"""The stage `plan`: python -m wstal.app.write_plan writes what params.yaml comes to, wstal/config/plan.py, if well-formed."""

import sys
from typing import Any

import msgspec

from wstal import published
from wstal.app import smoke
from wstal.app.check import check
from wstal.base import conversion, files
from wstal.base.errors import UserError
from wstal.base.paths import PIPELINE, Tree
from wstal.config import parameters, plan
from wstal.config.plan import JudgingPlan

LESSONS = "thumos14-sim"  # the entry of which notebooks that teach open a small copy


def write(raw: dict[str, Any], tree: Tree) -> None:
    """All files of the plan; those of lessons/ are of the small copy that notebooks make when they teach."""
    small = smoke.shrink(raw)
    contents = plan.files(parameters.load(raw)) | {
        "lessons/rows.yaml": plan.of_rows(small, LESSONS),
        "lessons/dataset.yaml": plan.of_dataset(small, small.entry(LESSONS).dataset),
    }
    for name, content in contents.items():
        if isinstance(content, JudgingPlan):
            content = msgspec.structs.replace(content, printed=msgspec.to_builtins(published.entry(content.entry)))
        files.write(tree.output(tree.plan() / name), conversion.text(content))


def main() -> int:
    """Check params.yaml and write the plan; the exit status."""
    try:
        raw = parameters.read()
        print(check(raw))
        write(raw, PIPELINE)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
