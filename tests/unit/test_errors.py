"""The error tree."""

import pickle

import pytest

from tailorsecrets import errors
from tailorsecrets.errors import Denied, Disabled, NotFound, SecretsError, Throttled, reworded

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SecretsError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_means(kind: type[SecretsError]) -> None:
    """Each error has a code, a meaning in words, and is in the tree of the module's docstring."""
    assert str(kind()) == kind.meaning
    assert kind.code.isupper()
    assert kind.__name__ in str(errors.__doc__)


def test_codes_differ() -> None:
    """No two kinds share a code."""
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_errors_survive_pickling() -> None:
    """An error comes through a process boundary with all that it says."""
    error = Throttled("slow down", hint="wait", op="get", store="aws://", vault="abc", secret="def", retryable=False)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))


def test_an_error_told_again() -> None:
    """It keeps its class and all that is not given anew: also its origin, and that its retries are spent."""
    error = Throttled("slow down", hint="wait", store="aws://", vault="abc", retryable=False, reason="X: busy")
    error.origin = "botocore.ClientError at driver.py:1"
    again = reworded(error, "slow down, all of you", vault="xyz")
    assert (type(again), str(again)) == (Throttled, "slow down, all of you")
    assert vars(again) == vars(error) | {"vault": "xyz"}
    assert (str(error), error.vault) == ("slow down", "abc")


def test_missing_is_not_denied() -> None:
    """Missing, denied and broken are on different branches."""
    assert issubclass(Disabled, Denied)
    assert not issubclass(Denied, NotFound)
