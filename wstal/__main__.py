"""python -m wstal"""

import sys

from wstal.cli import main

sys.exit(main())
