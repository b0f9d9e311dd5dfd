"""Lets `python -m sweeps` run the command line."""

import sys

from sweeps.cli.commands import main

sys.exit(main())
