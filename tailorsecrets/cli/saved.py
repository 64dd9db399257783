"""Saved plans: the file of ``plan --out``, and ``show``."""

from pathlib import Path

import click

from tailorsecrets.cli import plan_markdown, plans
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.planfile import PlanOptions, SavedPlan, parse_plan, plan_text
from tailorsecrets.errors import ConfigError
from tailorsecrets.secret import Secret
from tailorsecrets.store.record import Owner
from tailorsecrets.variables.private_file import write_private


@command("show", "tailorsecrets show plan.json", "tailorsecrets show plan.json --markdown")
@click.argument("file", metavar="FILE")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a table for a pull request or a ticket.")
def show(invocation: Invocation, file: str, *, as_markdown: bool) -> None:
    """Print a saved plan. No store is called."""
    saved = load_plan(invocation, file)
    flags = option_words(saved.options)
    invocation.io.say(f"plan of {saved.owner.name}{f', made with {flags}' if flags else ''}")
    show_plan(saved.joint, invocation, as_markdown=as_markdown, document=True)


def show_plan(joint: JointPlan, invocation: Invocation, *, as_markdown: bool = False, document: bool = False) -> None:
    """Print *joint* as text, as a table in Markdown, or with --json and *document* as JSON."""
    if as_markdown and invocation.json:
        raise click.UsageError("--markdown and --json cannot be combined", click.get_current_context())
    if as_markdown:
        invocation.io.show(plan_markdown.table_of(joint))
    elif not invocation.json:
        invocation.io.show_coloured(plans.text(joint))
        invocation.io.flush()  # before the questions about it
    elif document:
        invocation.io.show_json(plans.document(joint))


def save_plan(joint: JointPlan, owner: Owner, options: PlanOptions, invocation: Invocation, file: str) -> None:
    """Write *joint* to *file*, which only this user may read."""
    write_private(Path(invocation.io.cwd, file), Secret(plan_text(joint, owner, options)))
    invocation.io.say(f"saved the plan; to carry it out, run: tailorsecrets apply {file}")


def load_plan(invocation: Invocation, file: str) -> SavedPlan:
    """Read the saved plan *file*."""
    problem = ""
    try:
        return parse_plan(Path(invocation.io.cwd, file).read_text(encoding="utf-8"), file)
    except UnicodeDecodeError:
        problem = "not a saved plan, or a damaged one"
    except OSError as exc:
        problem = exc.strerror or type(exc).__name__
    raise ConfigError(f"{file}: {problem}", code="PLAN_INVALID")


def option_words(options: PlanOptions) -> str:
    """Return the options of a plan as they are written on the command line."""
    words = [
        *(f"--profile {profile}" for profile in options.profiles),
        *([f"--store {options.store}"] if options.store else []),
        *([f"--workspace-id {options.workspace}"] if options.workspace else []),
        *(f"--vault-name {vault}" for vault in options.vaults),
        *([] if options.prune else ["--no-prune"]),
        *(["--trust-stamps"] if options.trust else []),
        *(["--delete-moved"] if options.delete_moved else []),
    ]
    return " ".join(words)
