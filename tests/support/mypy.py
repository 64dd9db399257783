"""Mypy as a user runs it."""

import sys
from typing import Final

from tests.support.servers import ROOT

MYPY: Final = (  # the cache is kept: most of a run without one goes to the SDKs, which do not change
    *(sys.executable, "-m", "mypy"),
    *("--strict", "--no-error-summary", f"--cache-dir={ROOT / '.mypy_cache' / 'users'}"),
)
