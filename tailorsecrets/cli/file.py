"""The group ``file``: the keys of an encrypted store file."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click

from tailorsecrets.cli.commands import Group, command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import yes_option
from tailorsecrets.cli.printing import iso, show_table
from tailorsecrets.cli.prompts import confirm, hidden_twice
from tailorsecrets.cli.values import piped
from tailorsecrets.driver import Target
from tailorsecrets.errors import Unsupported, ValueInvalid
from tailorsecrets.secret import Secret


@click.group(
    "file",
    cls=Group,
    lazy={
        "keys": ("file:keys", "Manage the keys that open a store file."),
        "rekey": ("file:rekey", "Encrypt the store file with a new data key, for the same keys."),
        "trust": ("file:trust", "Accept the store file at this path as the genuine one."),
    },
    examples=("tailorsecrets file keys list", "tailorsecrets file rekey", "tailorsecrets file trust"),
)
def group() -> None:
    """Manage an encrypted store file."""


@click.group(
    "keys",
    cls=Group,
    lazy={
        "list": ("file:list_", "List the keys that open the store file."),
        "add": ("file:add", "Add a key that opens the store file."),
        "remove": ("file:remove", "Remove a key from the store file."),
    },
    examples=("tailorsecrets file keys list", "tailorsecrets file keys add --age age1qyqszqgpqyqszqgpqyqszqgp"),
)
def keys() -> None:
    """Manage the keys that open a store file."""


@command("list", "tailorsecrets file keys list")
def list_(invocation: Invocation) -> None:
    """List the keys that open the store file. The command needs no key."""
    from tailorsecrets_file.keys import list_lost_slots, list_slots

    target = _target(invocation)
    with _disk_errors(target):
        slots, lost = list_slots(target), list_lost_slots(target)
    rows = [(slot.id, slot.kind, slot.label, iso(slot.created)) for slot in slots]
    if invocation.json:
        invocation.io.show_json([dict(zip(("id", "kind", "label", "createdAt"), row, strict=True)) for row in rows])
    else:
        show_table(invocation, ("ID", "KIND", "LABEL", "CREATED"), rows)
    for slot in lost:
        invocation.io.say(
            f"note: a merge dropped the {slot.kind} {slot.id}{_labelled(slot.label)}: another branch rekeyed the file. "
            "Add it again with `file keys add`, or forget it with `file rekey`."
        )


@command(
    "add",
    "tailorsecrets file keys add",
    "tailorsecrets file keys add --key-file ~/keys/ci.key",
    "tailorsecrets file keys add --passphrase",
    "tailorsecrets file keys add --age age1qyqszqgpqyqszqgpqyqszqgp",
)
@click.option(
    "--key-file",
    metavar="PATH",
    help="A key file, which is made if it does not exist. Default: one in your config folder.",
)
@click.option("--age", metavar="RECIPIENT", help="An age recipient, age1..., or an ssh public key.")
@click.option("--passphrase", is_flag=True, help="A passphrase, from a prompt on the terminal, else from a pipe.")
@click.option("--allow-weak", is_flag=True, help="Accept a passphrase of less than 12 characters.")
def add(invocation: Invocation, key_file: str | None, age: str | None, passphrase: bool, allow_weak: bool) -> None:
    """Add a key that opens the store file."""
    from tailorsecrets_file.keys import add_slot

    if (key_file is not None) + (age is not None) + passphrase > 1:
        raise click.UsageError("give one of --key-file, --age and --passphrase", click.get_current_context())
    invocation.announce("file keys add")
    target = _target(invocation)
    with _disk_errors(target):
        if passphrase:
            slot = add_slot(target, "passphrase", passphrase=_passphrase(invocation), allow_weak=allow_weak)
        elif age is not None:
            slot = add_slot(target, "age", recipient=age)
        else:
            slot = add_slot(target, "key", path=str(Path(invocation.io.cwd) / key_file) if key_file else "")
    invocation.report_change(slot.id, f"added the {slot.kind} {slot.id}{_labelled(slot.label)}")


@command("remove", "tailorsecrets file keys remove 3f9c")
@click.argument("key_id", metavar="ID")
@yes_option
@click.option("--allow-lockout", is_flag=True, help="Remove it even if none of your keys opens the file afterwards.")
def remove(invocation: Invocation, key_id: str, yes: bool, allow_lockout: bool) -> None:
    """Remove a key from the store file.

    Encrypts all values again for the other keys. One of them must be yours. Old copies of the file stay readable by the
    removed key.
    """
    from tailorsecrets_file.keys import remove_slot

    invocation.announce(f"file keys remove {key_id}")
    target = _target(invocation)
    confirm(f"Remove the key {key_id} from the file?", invocation, code="KEY_REMOVAL_CANCELLED", yes=yes)
    with _disk_errors(target):
        sentence = remove_slot(target, key_id, even_if_locked_out=allow_lockout)
    invocation.report_change(key_id, sentence)


@command("rekey", "tailorsecrets file rekey")
def rekey(invocation: Invocation) -> None:
    """Encrypt the store file with a new data key, for the same keys."""
    from tailorsecrets_file.keys import rekey as encrypt_anew

    invocation.announce("file rekey")
    target = _target(invocation)
    with _disk_errors(target):
        sentence = encrypt_anew(target)
    invocation.report_change(target.path, sentence)


@command("trust", "tailorsecrets file trust")
@yes_option
def trust(invocation: Invocation, yes: bool) -> None:
    """Accept the store file at this path as the genuine one.

    Run it once to open the file with an age identity that TAILORSECRETS_FILE_AGE_IDENTITY does not name, and after an
    intended replacement of the file. Anybody can make a file that your age identity opens. So compare the origin with
    another holder of the file: this command shows the same origin to all of them.
    """
    from tailorsecrets_file.keys import origin_of
    from tailorsecrets_file.keys import trust as accept

    invocation.announce("file trust", writes=False)
    target = _target(invocation)
    with _disk_errors(target):
        origin = origin_of(target)
    question = f"Accept {target.url} with the origin {origin} as the genuine store file?"
    confirm(question, invocation, code="FILE_TRUST_CANCELLED", yes=yes)
    with _disk_errors(target):
        sentence = accept(target, origin)
    invocation.report_change(target.path, sentence)


def _labelled(label: str) -> str:
    return f" ({label})" if label else ""


def _passphrase(invocation: Invocation) -> Secret:
    given = hidden_twice("Passphrase", invocation) if invocation.can_ask else piped(invocation)
    if not given.reveal():
        hint = "type it on a terminal, or pipe it in"
        raise ValueInvalid("the passphrase is empty", code="SECRET_VALUE_EMPTY", hint=hint)
    return given


def _target(invocation: Invocation) -> Target:
    from tailorsecrets.targets.opening import target_of

    target = target_of(invocation.choice, invocation.environ)
    if target.scheme != "file":
        raise Unsupported(f"{target.url}: only a file: store has keys", hint="name one with --store file:PATH")
    return target


@contextmanager
def _disk_errors(target: Target) -> Generator[None]:
    """Turn an error of the disk into an error of the store."""
    from tailorsecrets_file.driver import FileDriver

    try:
        yield
    except OSError as exc:
        problem = FileDriver(target).explain(exc, "keys")
    else:
        return
    raise problem.kind(f"{target.url}: {problem.kind.meaning}", hint=problem.hint)
