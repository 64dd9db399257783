"""Passphrases that cost next to nothing."""

from functools import partial

import pytest

from tailorsecrets_file import slots
from tailorsecrets_file.header import Argon2


@pytest.fixture(autouse=True)
def _cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give new passphrase slots the least cost, the tenth of a second of each test with one."""
    monkeypatch.setattr(slots, "Argon2", partial(Argon2, iterations=1, memory=64))
