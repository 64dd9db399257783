"""Reports: what a run changed, one line for each step that is done, so that ``undo`` can reverse it; no value.

The first line names the command and the targets. A line is written when its step is done, so that a report is true
whatever ends the run. The last line says that the run ended by itself.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from threading import Lock
from typing import Final, cast

from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.plan import Action, Owned, Plan, Restored, Step
from tailorsecrets.driver import PRESENT, Entry
from tailorsecrets.errors import ConfigError, SecretsError, Unsupported
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner, Record
from tailorsecrets.targets.choice import Choice

_FORMAT: Final = "tailorsecrets-report"
_VERSION: Final = 1
_END: Final[Mapping[str, object]] = {"end": True}
_ACTIONS: Final[Mapping[str, Action]] = {"create": "create", "update": "update", "delete": "delete"}


@dataclass(frozen=True, slots=True)
class Done:
    """One step that was done, at the target of this number.

    ``before`` and ``after`` are versions; "" before a creation and after a deletion. Of a vault, they are those of its
    record, and ``owners`` are its owners before and after.
    """

    target: int
    action: Action
    place: Place
    before: str = ""
    after: str = ""
    owners: tuple[Owner | None, Owner | None] = (None, None)
    for_good: bool = False


@dataclass(frozen=True, slots=True)
class SavedReport:
    """A report as it was read: the command, the app, the targets, and the steps in the order of their lines.

    ``complete``: the run ended by itself, so nothing was done that is not in the report.
    """

    command: str
    owner: Owner
    targets: tuple[Choice, ...]
    steps: tuple[Done, ...]
    complete: bool = True


class Reporter:
    """Writes the report of one run of *joint* to *path*; call it with each step as it is done, from any thread.

    The file is new, and only its owner can read it. Raise SecretsError with OUTPUT_FAILED where it cannot be written,
    and where there is one already: it may be needed to undo what it says. ``problem`` is the reason why a later line
    could not be written.
    """

    def __init__(self, path: str | PathLike[str], command: str, joint: JointPlan) -> None:
        self._path, self._plans, self._lock = fspath(path), joint.plans, Lock()
        self.problem: SecretsError | None = None
        self._file = self._created()
        owner = next((plan.owner for plan in joint.plans.values()), Owner(""))
        self._write(
            {
                "format": _FORMAT,
                "version": _VERSION,
                "command": command,
                "app": _owner_document(owner),
                "targets": [_target_document(target.target) for target in joint.targets],
            }
        )

    def __call__(self, target: int, step: Step, entry: Entry | None) -> None:
        """Write the line of *step*."""
        line = _line(target, step, entry, self._plans[target])
        with self._lock:
            try:
                self._write(line)
            except SecretsError as error:
                self.problem = error.with_traceback(None)
                raise

    def close(self) -> None:
        """Write the last line, let the file reach the disk, and close it."""
        try:
            if self.problem is None:
                self._write(_END)
            os.fsync(self._file)
        except (OSError, SecretsError):  # such as a full disk: the report then counts as cut off
            pass
        finally:
            os.close(self._file)

    def _created(self) -> int:
        problem = ""
        try:
            return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            problem, hint = "it exists already, and undo may need it", "name another file, or move it away"
        except OSError as exc:
            problem, hint = exc.strerror or type(exc).__name__, ""
        raise SecretsError(f"{self._path} cannot be written: {problem}", code="OUTPUT_FAILED", hint=hint)

    def _write(self, line: Mapping[str, object]) -> None:
        """Write *line* in one call, so that no kill leaves half of it."""
        octets = (json.dumps(line, ensure_ascii=False) + "\n").encode()
        problem = ""
        try:
            while octets:
                octets = octets[os.write(self._file, octets) :]
        except OSError as exc:
            problem = exc.strerror or type(exc).__name__
        if problem:
            raise SecretsError(f"the report {self._path} cannot be written: {problem}", code="OUTPUT_FAILED")


def add_release(
    path: str | PathLike[str], target: int, vault: str, owner: Owner, *, record: Record | None, version: str
) -> None:
    """Add to the report at *path* that *vault*, whose record was *record*, lost its *owner*.

    *version* is that of its record now.
    """
    line = {
        "target": target,
        "action": "update",
        "vault": vault,
        "before": record.version if record else "",
        "after": version,
        "ownerBefore": _owner_document(owner),
        "ownerAfter": None,
    }
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def load_report(path: str | PathLike[str]) -> SavedReport:
    """Read the report at *path*; a last line that was cut off is left out.

    Raise ConfigError with REPORT_INVALID for anything but a report, Unsupported for one of a newer format.
    """
    whole, _, _ = _text(path).rpartition("\n")
    lines = [_parsed(line, path) for line in whole.split("\n")]
    head = lines[0]
    if head.get("format") != _FORMAT:
        raise _invalid(path)
    if head.get("version") != _VERSION:
        raise Unsupported(f"{fspath(path)}: a newer tailorsecrets wrote this report", hint="upgrade tailorsecrets")
    try:
        targets = tuple(_target(each) for each in _dicts(head["targets"]))
        steps = tuple(_steps([line for line in lines[1:] if line != _END], len(targets)))
        return SavedReport(
            str(head["command"]), _owner(head["app"]) or Owner(""), targets, steps, complete=_END in lines
        )
    except (KeyError, TypeError, ValueError):
        pass
    raise _invalid(path)


def _line(target: int, step: Step, entry: Entry | None, plan: Plan) -> dict[str, object]:
    vault, secret = step.place
    record = plan.records.get(vault)
    written = entry.version if entry else ""
    line: dict[str, object] = {"target": target, "action": step.action, "vault": vault}
    if secret:
        return {**line, "secret": secret, "before": step.expect.removeprefix(PRESENT), "after": written, **_mark(step)}
    before = step.expect or (record.version if record else "")
    if step.action == "delete" or isinstance(step.value, Restored):
        return {**line, "before": before, "after": written, **_mark(step)}
    after = step.value.owner if isinstance(step.value, Owned) else plan.owner
    owners = {
        "ownerBefore": _owner_document(record.owner if record and record.version else None),
        "ownerAfter": _owner_document(after),
    }
    return {**line, "before": before, "after": written, **owners}


def _mark(step: Step) -> dict[str, object]:
    return {"forGood": True} if step.for_good else {}


def _steps(lines: Sequence[Mapping[str, object]], targets: int) -> Iterator[Done]:
    for line in lines:
        number, action = line["target"], _ACTIONS[_word(line["action"])]
        if not isinstance(number, int) or not 0 <= number < targets:
            raise ValueError
        yield Done(
            number,
            action,
            Place(_word(line["vault"]), _word(line.get("secret", ""))),
            _word(line["before"]),
            _word(line["after"]),
            (_owner(line.get("ownerBefore")), _owner(line.get("ownerAfter"))),
            for_good=bool(line.get("forGood")),
        )


def _text(path: str | PathLike[str]) -> str:
    problem = ""
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise _invalid(path) from None
    except OSError as exc:
        problem = exc.strerror or type(exc).__name__
    raise ConfigError(f"{fspath(path)} cannot be read: {problem}", code="REPORT_INVALID")


def _parsed(line: str, path: str | PathLike[str]) -> Mapping[str, object]:
    try:
        found: object = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _invalid(path)
    return cast("dict[str, object]", found)


def _invalid(path: str | PathLike[str]) -> ConfigError:
    return ConfigError(f"{fspath(path)}: not a report, or a damaged one", code="REPORT_INVALID")


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _dicts(value: object) -> list[Mapping[str, object]]:
    if not isinstance(value, list):
        raise TypeError
    return [cast("dict[str, object]", each) for each in cast("list[object]", value) if isinstance(each, dict)]


def _target_document(choice: Choice) -> dict[str, object]:
    return {"store": choice.url, "workspace": choice.workspace, "base": choice.base}


def _target(document: Mapping[str, object]) -> Choice:
    return Choice(_word(document["store"]), _word(document["workspace"]), _word(document["base"]))


def _owner_document(owner: Owner | None) -> dict[str, str] | None:
    return None if owner is None else {"name": owner.name, "id": owner.id}


def _owner(document: object) -> Owner | None:
    if document is None:
        return None
    if not isinstance(document, dict):
        raise TypeError
    found = cast("dict[str, object]", document)
    return Owner(_word(found["name"]), _word(found["id"]))
