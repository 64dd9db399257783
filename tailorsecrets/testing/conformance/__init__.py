"""The conformance suite: the promises of every store plugin, as tests that its author inherits.

::

    class TestMine(Conformance):
        caps = MINE
        cannot = frozenset({"deny", "crash"})

        @pytest.fixture
        def connect(self, server) -> Connect:
            return lambda: MyDriver(server.url)

        @pytest.fixture
        def backdoor(self, server) -> Backdoor:
            return MyBackdoor(server.client)

The class has no tests for a capability that ``caps`` does not announce, or for an ability of the backdoor that
``cannot`` names. So no test is skipped, and a false declaration fails. Each test uses new names of secrets, so the
tests may share a store that outlives them; the author cleans it up.
"""

import pytest

GROUPS = ("reading", "writing", "stamps", "listing", "deleting", "honesty", "leaks", "strain")
pytest.register_assert_rewrite(*(f"{__name__}.{group}" for group in GROUPS))

from tailorsecrets.testing.conformance.deleting import Deleting  # noqa: E402 - after register_assert_rewrite
from tailorsecrets.testing.conformance.honesty import Honesty  # noqa: E402
from tailorsecrets.testing.conformance.leaks import Leaks  # noqa: E402
from tailorsecrets.testing.conformance.listing import Listing  # noqa: E402
from tailorsecrets.testing.conformance.reading import Reading  # noqa: E402
from tailorsecrets.testing.conformance.stamps import Stamps  # noqa: E402
from tailorsecrets.testing.conformance.strain import Strain  # noqa: E402
from tailorsecrets.testing.conformance.suite import Connect, MakeVault  # noqa: E402
from tailorsecrets.testing.conformance.writing import Writing  # noqa: E402

__all__ = ["Conformance", "Connect", "MakeVault"]


class Conformance(Reading, Writing, Stamps, Listing, Deleting, Honesty, Leaks, Strain):
    """All tests of a driver; :class:`tailorsecrets.testing.conformance.suite.Suite` lists the declarations."""
