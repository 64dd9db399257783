"""The environment of a command that gets secrets. Pure."""

import os
from collections.abc import Mapping
from typing import Final, Literal

from tailorsecrets.errors import Conflict, ValueInvalid
from tailorsecrets.secret import Secret
from tailorsecrets.targets.environment import Environment

Precedence = Literal["none", "environment", "store"]
OWN_KEYS: Final = ("TAILORSECRETS_FILE_KEY", "TAILORSECRETS_FILE_PASSPHRASE")  # they open the store file


def environment(environ: Mapping[str, str], secrets: Mapping[str, Secret], precedence: Precedence) -> Environment:
    """Return *environ* with *secrets* and without the keys of the store file.

    Where both have a variable with different values, the one that *precedence* names wins; with "none" one Conflict
    lists all of these variables. ValueInvalid lists the secrets that a variable cannot hold.
    """
    unfit = [name for name, value in secrets.items() if "\0" in value.reveal()]
    if unfit:
        raise ValueInvalid(f"a variable cannot hold NUL: {', '.join(unfit)}", hint="leave them out with --map")
    wanted = {name: os.fsdecode(value.reveal().encode()) for name, value in secrets.items()}
    differing = [name for name, text in wanted.items() if environ.get(name, text) != text]
    if differing and precedence == "none":
        message = f"the environment already has another value of {', '.join(differing)}"
        hint = "--preserve-env keeps the environment's values, --override takes those of the store"
        raise Conflict(message, code="VARIABLE_CONFLICT", hint=hint)
    inherited = {name: text for name, text in environ.items() if name not in OWN_KEYS}
    return Environment(wanted | inherited if precedence == "environment" else inherited | wanted)
