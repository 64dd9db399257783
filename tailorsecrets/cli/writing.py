"""Carrying out a plan and reporting the outcome."""

from tailorsecrets.cli import exits, plans
from tailorsecrets.cli.failures import Failed
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.progress import progress
from tailorsecrets.cli.termination import sigterm_as_ctrl_c
from tailorsecrets.deploy.apply import Report, apply
from tailorsecrets.deploy.plan import Plan, Step
from tailorsecrets.store.store import Store


def carry_out(plan: Plan, store: Store, invocation: Invocation, *, status: str) -> None:
    """Do the steps of *plan* and report the outcome; raise Failed where a step was not done."""
    with progress(plan, invocation) as watch, sigterm_as_ctrl_c() as was_terminated:
        report = apply(plan, store, watch)
    if not report.complete:
        raise _failure(report, invocation, interrupted=exits.TERMINATED if was_terminated() else exits.INTERRUPTED)
    if invocation.json:
        invocation.io.show_json({"summary": plans.summary(plan), "status": status})
    elif plan.steps:
        counts = plans.summary(plan)
        invocation.io.say(f"{status}: " + ", ".join(f"{count} {action}d" for action, count in counts.items()))


def _failure(report: Report, invocation: Invocation, *, interrupted: int) -> Failed:
    undone = [*(step for step, _ in report.failed), *report.left]
    if not invocation.json:
        invocation.io.say("\n".join(["done:", *_lines(report.done), "not done:", *_reasons(report)]))
    sentence = f"{len(undone)} of {len(report.done) + len(undone)} steps are not done"
    failure = report.failed[0][1] if report.failed else None
    return Failed(
        f"{sentence}: {failure}" if failure else sentence,
        code="INTERRUPTED" if report.interrupted or failure is None else failure.code,
        hint=(failure.hint if failure else "") or "run it again to do the other steps",
        details={"done": _names(report.done), "notDone": _names(undone)},
        exit_code=interrupted if report.interrupted else exits.ERROR,
    )


def _lines(steps: tuple[Step, ...]) -> list[str]:
    return [f"  {plans.described(step)}" for step in steps] or ["  nothing"]


def _reasons(report: Report) -> list[str]:
    failed = [f"  {plans.described(step)} ({error.code})" for step, error in report.failed]
    return [*failed, *(_lines(report.left) if report.left else [])]


def _names(steps: "tuple[Step, ...] | list[Step]") -> list[str]:
    return [plans.path(step.place) for step in steps]
