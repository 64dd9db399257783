"""One config over several real stores: OpenBao's mounts, AWS and GCP as the targets of one profile."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tailorsecrets.declared.sources import Generate
from tailorsecrets.secret import Secret
from tailorsecrets.targets.routes import Routes
from tailorsecrets.testing.faults import Crash
from tests.support.product.backends import Start
from tests.support.product.deploying import Vaults
from tests.support.product.several import Clouds

BAO, AWS, GCP = "openbao-mounts", "aws", "gcp"
WANTED: Vaults = {
    "api-keys": {"stripe": Secret("sk_live"), "webhook": Generate()},
    "database": {"url": Secret("postgres://"), "password": Generate()},
}
KEY = "api-keys/webhook"
MOST = 400  # calls of one apply; beyond, it does not end


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Give a stack that is closed at the end."""
    with ExitStack() as opened:
        yield opened


def test_three_stores(tmp_path: Path, servers: Start, stack: ExitStack) -> None:
    """Deploy, repeat, repair a replica, move a vault and drop one: counted on the wire of three services."""
    clouds = Clouds([BAO, AWS, GCP], tmp_path, servers, stack)
    found = clouds.routes([AWS, GCP], database=[BAO])
    clouds.deploy(WANTED, found)
    made = clouds.values(AWS)
    assert set(made) == {"api-keys/stripe", KEY}
    assert clouds.values(GCP) == made
    assert set(clouds.values(BAO)) == {"database/url", "database/password"}
    assert clouds.cost(WANTED, found) == (0, 0)

    replica = clouds.backends[GCP]
    with replica.store() as store:
        replica.write(store, "api-keys", "stripe", "changed by hand")
    clouds.deploy(WANTED, found)
    assert clouds.values(GCP) == made
    assert clouds.cost(WANTED, found) == (0, 0)

    moved = clouds.routes([AWS, GCP], database=[BAO], api_keys=[BAO])
    clouds.deploy(WANTED, moved)
    assert clouds.values(AWS) == clouds.values(GCP) == made
    assert {name: value for name, value in clouds.values(BAO).items() if name in made} == made
    assert clouds.cost(WANTED, moved) == (0, 0)
    clouds.deploy(WANTED, moved, delete_moved=True)
    assert clouds.values(AWS) == clouds.values(GCP) == {}
    assert {name: value for name, value in clouds.values(BAO).items() if name in made} == made

    left: Vaults = {"api-keys": WANTED["api-keys"]}
    kept = clouds.routes([AWS, GCP], api_keys=[BAO])
    clouds.deploy(left, kept)
    assert clouds.values(BAO) == made
    assert clouds.cost(left, kept) == (0, 0)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_crash_between_any_two_calls_to_openbao_and_aws(tmp_path: Path, servers: Start, stack: ExitStack) -> None:
    """Whichever call of an apply, a change or a move dies, a rerun ends with one generated value and nothing to do."""
    clouds = Clouds([BAO, AWS], tmp_path, servers, stack)
    fuse = clouds.share_fuse()
    stages: list[tuple[Vaults, Routes, bool]] = [
        ({"sessions": {"pin": Secret("1"), "key": Generate()}}, clouds.routes([AWS, BAO]), False),
        ({"sessions": {"pin": Secret("2"), "key": Generate()}}, clouds.routes([AWS, BAO]), False),
        ({"sessions": {"pin": Secret("2"), "key": Generate()}}, clouds.routes([AWS], sessions=[BAO]), False),
        ({"sessions": {"pin": Secret("2"), "key": Generate()}}, clouds.routes([AWS], sessions=[BAO]), True),
    ]
    for number, (wanted, found, delete_moved) in enumerate(stages):
        crashed = 0
        while True:
            for before in stages[:number]:
                clouds.deploy(before[0], before[1], delete_moved=before[2])
            held = {clouds.values(name).get("sessions/key") for name in (BAO, AWS)} - {None}
            fuse.left = crashed
            try:
                clouds.apply(wanted, found, delete_moved=delete_moved)
            except Crash:
                fuse.left = None
            else:
                fuse.left = None
                break
            for name in (BAO, AWS):
                clouds.backends[name].backdoor.recover()
                clouds.backends[name].backdoor.settle()
            clouds.deploy(wanted, found, delete_moved=delete_moved)
            if clouds.cost(wanted, found, delete_moved=delete_moved) != (0, 0):  # an old copy is deleted at the second
                assert clouds.cost(wanted, found, delete_moved=delete_moved) == (0, 0)
            now = {clouds.values(name).get("sessions/key") for name in (BAO, AWS)} - {None}
            assert len(now) == 1
            assert not held or now == held
            clouds.deploy({}, clouds.routes([AWS, BAO]))
            crashed += 1
            assert crashed < MOST
        assert crashed > 2
        clouds.deploy({}, clouds.routes([AWS, BAO]))
