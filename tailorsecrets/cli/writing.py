"""Carrying out a plan and reporting the outcome."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tailorsecrets.cli import exits, plans
from tailorsecrets.cli.failures import Failed
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.progress import progress
from tailorsecrets.cli.reporting import Wanted, reporting
from tailorsecrets.deploy.apply import Report, apply_joint
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.plan import Step
from tailorsecrets.driver import Entry
from tailorsecrets.errors import SecretsError
from tailorsecrets.store.store import Store

Reports = Mapping[int, Report]

_NO_REPORT = Wanted("", None)


def carry_out(
    joint: JointPlan,
    stores: Sequence[Store],
    invocation: Invocation,
    *,
    status: str,
    prompted: bool,
    report: Wanted = _NO_REPORT,
) -> None:
    """Do the steps of *joint* and report the outcome; raise Failed where one of them was not done.

    The *report* for undo is written while they are done.
    """
    with reporting(report, joint, invocation) as reporter, progress(joint, invocation) as moved:
        reports = apply_joint(joint, stores, reporter or _unwatched, progress=moved, prompted=prompted)
    for number, outcome in reports.items():
        for step, note in outcome.notes:
            invocation.io.say(f"note: {plans.path(step.place)}{plans.at(joint, number)}: {note}")
    problem = reporter.problem if reporter else None
    if problem or not _is_complete(joint, reports):
        raise _failure(joint, reports, invocation, problem, status=status)
    if invocation.json:
        invocation.io.show_json(_document(joint, reports, status=status))
    elif any(plan.steps for plan in joint.plans.values()):
        counts = plans.summary(joint)
        invocation.io.say(f"{status}: " + ", ".join(f"{count} {action}d" for action, count in counts.items()))


def _unwatched(_number: int, _step: Step, _entry: Entry | None) -> None:
    """Write no report."""


def _is_complete(joint: JointPlan, reports: Reports) -> bool:
    held = any(plan.held for plan in joint.plans.values())
    return all(report.complete for report in reports.values()) and not joint.failures and not held


def _document(joint: JointPlan, reports: Reports, *, status: str) -> dict[str, object]:
    several = plans.is_several(joint)
    return {
        "summary": plans.summary(joint),
        "status": status,
        **({"targets": _targets(joint, reports, status=status)} if several else {}),
    }


def _targets(joint: JointPlan, reports: Reports, *, status: str) -> list[dict[str, object]]:
    def outcome(number: int) -> dict[str, object]:
        if number not in reports:
            return {"done": [], "notDone": []}
        report, held = reports[number], joint.plans[number].held
        undone = [*_undone(report), *(plans.path(place) for place in held)]
        error = report.failed[0][1] if report.failed else None
        return {
            "status": status if report.complete and not held else "failed",
            "done": _names(report.done),
            "notDone": undone,
            "unknown": _names(report.unknown),
            "error": error and {"code": error.code, "message": str(error)},
        }

    return plans.targets(joint, outcome)


def check_planned(joint: JointPlan, rest: str, hint: str) -> None:
    """Raise the error of targets that cannot be planned; *rest* says what that means for the others."""
    if not joint.failures:
        return
    first = joint.failures[0]
    assert first.error is not None
    raise Failed(
        f"{len(joint.failures)} of {len(joint.shown)} targets cannot be planned, {rest}: {first.target}: {first.error}",
        code=first.error.code,
        hint=f"{first.error.hint}; {hint}" if first.error.hint else hint,
    )


def _failure(
    joint: JointPlan, reports: Reports, invocation: Invocation, problem: SecretsError | None, *, status: str
) -> Failed:
    if not invocation.json:
        invocation.io.say("\n".join(_blocks(joint, reports)))
    failure = problem or next((error for report in reports.values() for _, error in report.failed), None)
    error = failure or next((target.error for target in joint.failures if target.error), None)
    if error is None and _held(joint):
        error = SecretsError("a target that may hold them does not answer or has them disabled", code="NOT_MADE")
    signal = max((report.signal for report in reports.values()), default=0)
    outcomes: Mapping[str, Callable[[Report], list[str]]] = {
        "done": lambda report: _names(report.done),
        "notDone": _undone,
        "unknown": lambda report: _names(report.unknown),
    }
    details: dict[str, object] = {
        key: [f"{name}{plans.at(joint, number)}" for number, report in reports.items() for name in named(report)]
        for key, named in outcomes.items()
    }
    if plans.is_several(joint):
        details["targets"] = _targets(joint, reports, status=status)
    sentence = ", ".join(filter(None, _sentences(joint, reports))) or "every step is done"
    return Failed(
        f"{sentence}: {error}" if error else sentence,
        code="INTERRUPTED" if signal or error is None else error.code,
        hint=(error.hint if error else "") or "run it again to do the other steps",
        details=details,
        exit_code=128 + signal if signal else exits.ERROR,
    )


def _sentences(joint: JointPlan, reports: Reports) -> Iterator[str]:
    total = sum(len(plan.steps) for plan in joint.plans.values())
    undone = sum(len(_undone(report)) for report in reports.values())
    unknown = sum(len(report.unknown) for report in reports.values())
    yield f"{undone} of {total} steps were not done" if undone else ""
    yield f"{unknown} of {total} steps may be done" if unknown else ""
    yield f"{_held(joint)} generated values were not made" if _held(joint) else ""
    yield f"{len(joint.failures)} of {len(joint.shown)} targets were not planned" if joint.failures else ""


def _held(joint: JointPlan) -> int:
    return sum(len(plan.held) for plan in joint.plans.values())


def _blocks(joint: JointPlan, reports: Reports) -> Iterator[str]:
    """Yield the steps by outcome, for each target. A step is unknown if no read shows whether it was done."""
    for number, report in reports.items():
        if plans.is_several(joint):
            yield f"{joint.targets[number].target}:"
        indent = "  " if plans.is_several(joint) else ""
        unknown = [_reason(step, error) for step, error in report.failed if step in report.unknown]
        undone = [_reason(step, error) for step, error in report.failed if step not in report.unknown]
        held = [f"create {plans.path(place)} (NOT_MADE)" for place in joint.plans[number].held]
        blocks = {
            "done:": [plans.described(step) for step in report.done] or ["nothing"],
            "not done:": [*undone, *(plans.described(step) for step in report.left), *held],
            "unknown:": unknown,
        }
        for title, steps in blocks.items():
            if steps:
                yield from (f"{indent}{line}" for line in [title, *(f"  {step}" for step in steps)])


def _undone(report: Report) -> list[str]:
    failed = [step for step, _ in report.failed if step not in report.unknown]
    return _names([*failed, *report.left])


def _reason(step: Step, error: SecretsError) -> str:
    return f"{plans.described(step)} ({error.code})"


def _names(steps: Sequence[Step]) -> list[str]:
    return [plans.path(step.place) for step in steps]
