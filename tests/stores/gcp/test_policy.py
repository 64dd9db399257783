"""Least privilege at Google: logins that have exactly what the printed commands grant."""

import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tailorsecrets.deploy.apply import apply
from tailorsecrets.driver import Target
from tailorsecrets.errors import Denied
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Naming
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import workspace_of
from tailorsecrets.targets.plugins import store_type
from tests.support.gcp.backdoor import PROJECT
from tests.support.gcp.deploying import APP, deploy, opened, planned
from tests.support.gcp.faults import Rule, denied
from tests.support.gcp.fixtures import Bench, bench
from tests.support.gcp.state import NUMBERS
from tests.support.printed_commands import commands, option

ACCESSOR = {"roles/secretmanager.secretAccessor": frozenset({"secretmanager.versions.access"})}
TERM = re.compile(r"resource\.name(?: == '(?P<whole>[^']+)'|\.startsWith\('(?P<start>[^']+)'\))")
IN_CONDITIONS = f"projects/{NUMBERS[PROJECT]}"
ON_THE_PROJECT = {"CreateSecret", "ListSecrets"}  # IAM checks these rights there, whatever the name


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions, and the expression on the resource's name under which they hold; "" for always."""

    permissions: frozenset[str]
    expression: str

    def covers(self, permission: str, resource: str) -> bool:
        """Return whether it grants *permission* on *resource*."""
        return permission in self.permissions and (not self.expression or _holds(self.expression, resource))


@dataclass(slots=True, kw_only=True)
class Iam(Rule):
    """Refuses whatever no grant covers."""

    grants: Sequence[Grant]

    def meets(self, operation: str, name: str) -> bool:
        """Return whether a call is refused."""
        resource = IN_CONDITIONS if operation in ON_THE_PROJECT else name.replace(f"projects/{PROJECT}", IN_CONDITIONS)
        return not any(grant.covers(permission_of(operation), resource) for grant in self.grants)


def permission_of(method: str) -> str:
    """Return the permission that *method* needs."""
    found = re.fullmatch(r"([A-Z][a-z]+)Secret(Version)?s?", method)
    assert found
    return f"secretmanager.{'versions' if found[2] else 'secrets'}.{found[1].lower()}"


def _holds(expression: str, resource: str) -> bool:
    terms = [TERM.fullmatch(term) for term in expression.split(" || ")]
    assert all(terms), expression
    return any(term and (resource == term["whole"] or resource.startswith(term["start"] or "\0")) for term in terms)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Bench]:
    """Yield a workspace with vaults of the app and one of another app."""
    with bench() as made:
        deploy(
            made, {"api-keys": {"stripe": Secret("one"), "sendgrid": Secret("two")}, "left-over": {"old": Secret("x")}}
        )
        with opened(made) as store:
            store.create_vault("database", Owner("another-app"))
            store.create_secret("database", "url", Secret("theirs"))
        made.methods()
        yield made


def limit(at: Bench, use: Literal["read", "deploy"], vaults: Sequence[str], folder: Path) -> None:
    """Let the login of drivers do exactly what the policy for *use* of *vaults* grants."""
    policy = store_type("gcp").policy
    assert policy
    with opened(at) as store:
        names = [workspace_of(store).vault_names(vault) for vault in vaults]
    script = policy(Target(url="gcp:", scheme="gcp", host=PROJECT), names, use)
    calls = commands(script, "gcloud", NUMBERS[PROJECT], folder)
    roles = ACCESSOR | {
        f"projects/{PROJECT}/roles/{call[3]}": frozenset(option(call, "--permissions").split(","))
        for call in calls
        if call[:3] == ["iam", "roles", "create"]
    }
    grants = [
        Grant(roles[option(call, "--role")], option(call, "--condition").partition("expression=")[2])
        for call in calls
        if call[1] == "add-iam-policy-binding"
    ]
    at.server.faults.add(Iam(grants=grants, refusal=denied("AccessSecretVersion", "it")))


def values_read(at: Bench) -> list[str]:
    """Return the resources other than records whose values were asked for."""
    return [name for method, name in at.server.arrived if method == "AccessSecretVersion" and "_v_" not in name]


def test_a_deployer_beside_another_app(at: Bench, tmp_path: Path) -> None:
    """Under the printed policy all kinds of steps are done, another app's vault does no harm, and no value is read."""
    limit(at, "deploy", ["api-keys", "left-over", "new-vault"], tmp_path)
    wanted = {"api-keys": {"stripe": Secret("new"), "made": Secret("made")}, "new-vault": {"key": Secret("x")}}
    with opened(at) as store:
        plan = planned(store, wanted)
        assert (plan.unread, plan.count("create"), plan.count("update"), plan.count("delete")) == ((), 3, 1, 3)
        assert apply(plan, store).complete
        assert planned(store, wanted).steps == ()
        assert values_read(at) == []
        with pytest.raises(Denied, match="api-keys/stripe"):
            store.get("api-keys", "stripe")
        with pytest.raises(Denied, match="database/url"):
            store.update_secret("database", "url", Secret("ours"))
    assert at.backdoor.read("default_database_url") == "theirs"


def test_a_vault_that_left_the_config(at: Bench, tmp_path: Path) -> None:
    """It is seen to be the app's also where the policy does not name it, and stays, as it may not be written."""
    limit(at, "deploy", ["api-keys"], tmp_path)
    with opened(at) as store:
        report = apply(planned(store, {"api-keys": {"stripe": Secret("new")}}), store)
    assert [(str(step.place), step.action) for step in report.done] == [
        ("secret api-keys/stripe", "update"),
        ("secret api-keys/sendgrid", "delete"),
    ]
    assert {step.place.vault for step, _ in report.failed} == {"left-over"}
    assert at.backdoor.read("default_left-over_old") == "x"


def test_a_service_reads_its_vault_and_nothing_else(at: Bench, tmp_path: Path) -> None:
    """Under the policy for reading, the values of one vault are read, and all else is Denied."""
    limit(at, "read", ["api-keys"], tmp_path)
    with opened(at) as store:
        assert store.get_all("api-keys", ["stripe", "sendgrid"]) == ["one", "two"]
        for refused in (
            lambda: store.get("database", "url"),
            lambda: store.list_secrets("api-keys"),
            lambda: workspace_of(store).record("api-keys"),
            lambda: store.update_secret("api-keys", "stripe", Secret("new")),
            lambda: store.purge_secret("api-keys", "stripe"),
            lambda: store.create_vault("another", APP),
        ):
            with pytest.raises(Denied):
                refused()


STAND_IN = """\
#!/bin/sh
echo "$@" | tr '\\n' ' ' >> "$TAKEN_DOWN"
echo >> "$TAKEN_DOWN"
case "$*" in *"roles create"*) echo "ERROR: A role already exists" >&2; exit 1;; esac
"""


def test_the_commands_work_again(tmp_path: Path) -> None:
    """Where the roles exist already, the printed commands update them and go on."""
    policy = store_type("gcp").policy
    assert policy
    target = Target(url="gcp:", scheme="gcp", host=PROJECT)
    script = policy(target, [Naming("default", joiner="_", max_name=255).vault_names("api-keys")], "deploy")
    (tmp_path / "gcloud").write_text(STAND_IN)
    (tmp_path / "gcloud").chmod(0o755)
    taken_down = tmp_path / "calls"
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TAKEN_DOWN": str(taken_down)}
    subprocess.run(["bash", "-euc", script], env=environ, check=True, capture_output=True)
    created, updated = (
        [shlex.split(line)[3:] for line in taken_down.read_text().splitlines() if line.startswith(f"iam roles {verb}")]
        for verb in ("create", "update")
    )
    assert [[word for word in call if word != "--quiet"] for call in updated] == created
    assert len(created) == 3
    assert taken_down.read_text().count("add-iam-policy-binding") == 4
