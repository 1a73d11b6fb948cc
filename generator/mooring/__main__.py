"""Run the command line: `python -m mooring`."""

import sys

from mooring._cli import main

sys.exit(main())
