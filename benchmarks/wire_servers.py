"""The tests' servers that speak Google's and Azure's protocols, each in a separate process, as a store is.

In the process of a client they would share its interpreter, and slow it down.
"""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.azure.server import Server as KeyVault
from tests.support.gcp.server import Server as Google


@contextmanager
def serving(name: str, folder: Path) -> Generator[Any]:
    """Start the server *name* with its files in *folder*, and give what a client must know."""
    command = [sys.executable, "-m", __name__, name, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        yield json.loads(process.stdout.readline())
        process.stdin.close()  # which ends it


def main() -> None:
    """Serve until stdin ends."""
    name, folder = sys.argv[1:]
    if name == "gcp":
        facts: object = {"address": Google().address}
    else:
        vault = KeyVault(Path(folder))
        facts = {"host": vault.host, "authority": vault.authority, "environ": dict(vault.environ)}
    print(json.dumps(facts), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
