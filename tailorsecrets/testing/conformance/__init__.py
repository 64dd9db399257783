"""The conformance suite: what every store plugin promises, as tests that its author inherits.

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

A capability that ``caps`` does not announce, and an ability of the backdoor that ``cannot`` names, take their tests
away from the class; nothing is skipped, and a false declaration is a failure. Names of secrets are new in each test,
so a store that outlives the tests may be shared; cleaning it up is the author's business.
"""

import pytest

GROUPS = ("reading", "writing", "stamps", "listing", "deleting", "honesty", "silence", "strain")
pytest.register_assert_rewrite(*(f"{__name__}.{group}" for group in GROUPS))

from tailorsecrets.testing.conformance.deleting import Deleting  # noqa: E402 - after pytest knows of the asserts
from tailorsecrets.testing.conformance.honesty import Honesty  # noqa: E402
from tailorsecrets.testing.conformance.leaks import Silence  # noqa: E402
from tailorsecrets.testing.conformance.listing import Listing  # noqa: E402
from tailorsecrets.testing.conformance.reading import Reading  # noqa: E402
from tailorsecrets.testing.conformance.stamps import Stamps  # noqa: E402
from tailorsecrets.testing.conformance.strain import Strain  # noqa: E402
from tailorsecrets.testing.conformance.suite import Connect, Place  # noqa: E402
from tailorsecrets.testing.conformance.writing import Writing  # noqa: E402

__all__ = ["Conformance", "Connect", "Place"]


class Conformance(Reading, Writing, Stamps, Listing, Deleting, Honesty, Silence, Strain):
    """All tests of a driver; see :class:`tailorsecrets.testing.conformance.suite.Suite` for what to declare."""
