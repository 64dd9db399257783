"""Carrying out a plan and reporting the outcome."""

from collections.abc import Sequence

from tailorsecrets.cli import exits, plans
from tailorsecrets.cli.failures import Failed
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.progress import progress
from tailorsecrets.deploy.apply import Report, apply
from tailorsecrets.deploy.plan import Plan, Step
from tailorsecrets.errors import SecretsError
from tailorsecrets.store.store import Store


def carry_out(plan: Plan, store: Store, invocation: Invocation, *, status: str, prompted: bool) -> None:
    """Do the steps of *plan* and report the outcome; raise Failed where one of them was not done."""
    with progress(plan, invocation) as watch:
        report = apply(plan, store, watch, prompted=prompted)
    for step, note in report.notes:
        invocation.io.say(f"note: {plans.path(step.place)}: {note}")
    if not report.complete:
        raise _failure(report, invocation)
    if invocation.json:
        invocation.io.show_json({"summary": plans.summary(plan), "status": status})
    elif plan.steps:
        counts = plans.summary(plan)
        invocation.io.say(f"{status}: " + ", ".join(f"{count} {action}d" for action, count in counts.items()))


def _failure(report: Report, invocation: Invocation) -> Failed:
    unknown = report.unknown
    undone = [*(step for step, _ in report.failed if step not in unknown), *report.left]
    if not invocation.json:
        invocation.io.say(_text(report))
    total = len(report.done) + len(report.failed) + len(report.left)
    parts = [
        f"{len(undone)} of {total} steps were not done" if undone else "",
        f"{len(unknown)} of {total} steps may be done" if unknown else "",
    ]
    sentence = ", ".join(filter(None, parts))
    failure = report.failed[0][1] if report.failed else None
    failed = Failed(
        f"{sentence}: {failure}" if failure else sentence,
        code="INTERRUPTED" if report.interrupted or failure is None else failure.code,
        hint=(failure.hint if failure else "") or "run it again to do the other steps",
        details={"done": _names(report.done), "notDone": _names(undone), "unknown": _names(unknown)},
        exit_code=128 + report.signal if report.interrupted else exits.ERROR,
    )
    if failure:
        failed.reason, failed.origin = failure.reason, failure.origin
    return failed


def _text(report: Report) -> str:
    """Return the steps by outcome. A step is unknown where its answer was lost and the store cannot be read."""
    unknown = [_reason(step, error) for step, error in report.failed if step in report.unknown]
    undone = [_reason(step, error) for step, error in report.failed if step not in report.unknown]
    blocks = {
        "done:": [plans.described(step) for step in report.done] or ["nothing"],
        "not done:": [*undone, *(plans.described(step) for step in report.left)],
        "unknown:": unknown,
    }
    return "\n".join("\n  ".join([title, *steps]) for title, steps in blocks.items() if steps)


def _reason(step: Step, error: SecretsError) -> str:
    return f"{plans.described(step)} ({error.code})"


def _names(steps: Sequence[Step]) -> list[str]:
    return [plans.path(step.place) for step in steps]
