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
``cannot`` names, and a false declaration fails. Each test uses new names of secrets, so the tests may share a store
that outlives them; the author cleans it up. The end of pytest's output says what was run, and what was left out and
why.

The tests are in groups, each of which runs alone: ``pytest -k group_read``, and ``group_write``, ``group_stamp``,
``group_list``, ``group_delete``, ``group_fail``, ``group_honest``, ``group_open``, ``group_leak`` and ``group_strain``.
"""

from tailorsecrets.testing.conformance.deleting import Deleting
from tailorsecrets.testing.conformance.failing import Failing
from tailorsecrets.testing.conformance.honesty import Honesty
from tailorsecrets.testing.conformance.leaks import Leaks
from tailorsecrets.testing.conformance.listing import Listing
from tailorsecrets.testing.conformance.opening import Opening
from tailorsecrets.testing.conformance.reading import Reading
from tailorsecrets.testing.conformance.stamps import Stamps
from tailorsecrets.testing.conformance.strain import Strain
from tailorsecrets.testing.conformance.suite import Connect, MakeVault
from tailorsecrets.testing.conformance.writing import Writing

__all__ = ["Conformance", "Connect", "MakeVault"]


class Conformance(Reading, Writing, Stamps, Listing, Deleting, Failing, Honesty, Opening, Leaks, Strain):
    """All tests of a driver. A subclass declares what the driver and the backdoor can do.

    Two fixtures are required: ``connect`` returns a function that opens one more connection, a driver, to the store of
    the test; ``backdoor`` returns another tool at the same store.

    - `caps`: the capabilities of every driver that `connect` returns. Default: reads one name
    - `cannot`: the abilities that the backdoor lacks, of `tailorsecrets.testing.backdoor.ABILITIES`. The abilities in
      `LATER` need no mention
    - `switched_off`: a mapping from the name of a test to the reason why it cannot hold for this store. The report
      lists both. Setting a test to None is an error
    - `prefix`: the text before every native name, such as a mount, with the joiner at its end
    - `foreign_name`: a last part of a name that the store allows and the grammar of names does not
    - `many`: the number of secrets that need more than one page of a list. 0: found by counting calls, or, where
      the backdoor cannot count, 1,100, or as many as can be written in some seconds
    - `examples`: the number of values that the round trip of texts tries
    - `timeout`: the seconds of a read in the drivers that `connect` opens, as in `Target.timeout`; a short one makes
      the tests of a store that never answers short
    - `one_right`: True where reading a value and listing its name are one right, such as in a file. The tests that no
      list reads values are left out
    - `in_memory`: True where the store is in the memory of the test's process, so that another process cannot write it
    - `urls`: store URLs in each form that the plugin opens, which the core opens through the installed entry point
    - `environ`: the environment variables with which `urls` open
    - `module`: the plugin's module, as the entry point names it
    - `sdk`: modules that importing the plugin must not import, and whose absence opening it must explain
    - `cost`: the number of calls that a method sends to the store after the sign-in, by method
    - `sdk_exceptions`: one exception of each kind that the SDK raises
    """
