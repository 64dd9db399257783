"""``doctor``: why a store cannot be used."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from tailorsecrets import __version__
from tailorsecrets.cli import exits
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.printing import iso
from tailorsecrets.doctor.examine import check_config, diagnose, targets_of
from tailorsecrets.errors import SecretsError

if TYPE_CHECKING:
    from tailorsecrets.doctor.findings import Check, Diagnosis, State

_WORDS: Final[Mapping["State", str]] = {"ok": "ok", "warning": "WARNING", "failed": "FAILED", "untried": "-"}


@command(
    "doctor",
    "tailorsecrets doctor",
    "tailorsecrets doctor --profile staging --profile prod --json",
    several_profiles=True,
)
def doctor(invocation: Invocation) -> int:
    """Find out why a store cannot be used.

    Shows versions, who is signed in, whether the store answers, which rights the login has, and the clocks. Each right
    is tried on the names of the config; nothing is written. The output holds no value and no token. The command exits
    with 1 if a program could not read, or if apply could not make a plan under a profile that may write.
    """
    config, names = check_config(partial(_declared, invocation))
    targets = targets_of(invocation.routes, names)
    _announce_waiting(invocation)
    found = diagnose(targets, invocation.environ)
    is_ok = config.state != "failed" and all(diagnosis.ok for diagnosis in found)
    if invocation.json:
        invocation.io.show_json(_document(is_ok, config, found))
    else:
        invocation.io.show(f"tailorsecrets {__version__}, Python {_python()}, {sys.platform}")
        _show(invocation, [config])
        for diagnosis in found:
            _show_target(invocation, diagnosis)
    return exits.DONE if is_ok else exits.ERROR


def _declared(invocation: Invocation) -> Mapping[str, list[str]]:
    return invocation.config().declarations.names()


def _announce_waiting(invocation: Invocation) -> None:
    """Start the notice that says when the store does not answer; a URL that is wrong is not shown."""
    from tailorsecrets.targets.opening import parsed

    with suppress(SecretsError):
        parsed(invocation.choice, invocation.environ)
        invocation.wait_notice.start(invocation.choice.url)


def _python() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _show_target(invocation: Invocation, diagnosis: "Diagnosis") -> None:
    invocation.io.show(f"\n{diagnosis.store or 'the store'}, workspace {diagnosis.workspace}")
    _show(invocation, diagnosis.checks)
    reading, planning = ("works" if works else "fails" for works in (diagnosis.reading, diagnosis.planning))
    unneeded = "" if diagnosis.may_plan else " (not needed: this profile or store is only read)"
    invocation.io.show(f"reading {reading}; planning {planning}{unneeded}")


def _show(invocation: Invocation, checks: "list[Check] | tuple[Check, ...]") -> None:
    for check in checks:
        code = f"{check.code}: " if check.code else ""
        invocation.io.show_coloured(f"{_WORDS[check.state]:7}  {check.name:8}  {code}{check.text}")
        if check.hint and check.state != "ok":
            invocation.io.show_coloured(f"{'':19}hint: {check.hint}")


def _document(is_ok: bool, config: "Check", found: "list[Diagnosis]") -> dict[str, object]:
    return {
        "ok": is_ok,
        "tailorsecrets": __version__,
        "python": _python(),
        "platform": sys.platform,
        "config": _check(config),
        "targets": [_target(diagnosis) for diagnosis in found],
    }


def _target(diagnosis: "Diagnosis") -> dict[str, object]:
    identity, caps = diagnosis.identity, diagnosis.caps
    who = {"name": identity.name, "until": iso(identity.until), "renews": identity.renews} if identity else None
    limits = {
        "valueBytes": caps.max_bytes,
        "nameCharacters": caps.max_name,
        "batch": caps.batch,
        "callsPerSecond": dict(caps.per_s),
    } if caps else None  # fmt: skip
    return {
        "store": diagnosis.store,
        "workspaceId": diagnosis.workspace,
        "ok": diagnosis.ok,
        "reading": diagnosis.reading,
        "planning": diagnosis.planning,
        "planningNeeded": diagnosis.may_plan,
        "plugin": diagnosis.plugin,
        "sdk": dict(diagnosis.sdk),
        "login": who,
        "latencySeconds": _rounded(diagnosis.latency),
        "clockAheadSeconds": _rounded(diagnosis.skew),
        "limits": limits,
        "listLagSeconds": caps.list_lag if caps else None,
        "checks": [_check(check) for check in diagnosis.checks],
    }


def _check(check: "Check") -> dict[str, object]:
    return {
        "name": check.name,
        "state": check.state,
        "message": check.text,
        "code": check.code or None,
        "suggestion": check.hint or None,
        "seconds": _rounded(check.seconds),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)
