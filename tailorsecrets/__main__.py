"""``python -m tailorsecrets``: the command line."""

import sys

from tailorsecrets.cli import main

if __name__ == "__main__":
    sys.exit(main())
