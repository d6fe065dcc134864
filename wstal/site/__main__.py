"""`python -m wstal.site`: reports/index.html and reports/site/."""

from wstal.base.paths import PIPELINE
from wstal.config import parameters
from wstal.site import build

if __name__ == "__main__":
    build.write(parameters.load(), PIPELINE)
