"""The command line `wstal` as `python -m wstal`."""

import sys

from wstal.app.cli import main

sys.exit(main())
