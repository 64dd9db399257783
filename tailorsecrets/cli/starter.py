"""The text of a starter config."""

import json
from typing import Final

_TEXT: Final = '''"""The secrets of {app}: vaults, the secrets in them, and where each value comes from."""

from tailor_config_types import Secrets  # written by `tailorsecrets generate`, for type checkers

from tailorsecrets import define_config, define_secret_manager, env

secrets = define_secret_manager(
    {{
        "api-keys": {{  # a vault
            "example-api-key": env("EXAMPLE_API_KEY"),  # a secret; only apply reads the variable
            # file("key.pem") takes the content of a file, generate(length=32) makes a value once
        }},
    }},
    types=Secrets,
)

config = define_config(
    name={name},
    id="{identity}",  # the owner of these vaults, also after the app is renamed
    secrets=secrets,
)
'''


def starter(app: str, identity: str) -> str:
    """Return a config for *app*, whose vaults are owned by *identity*, a UUID."""
    return _TEXT.format(app=app.replace("\\", "").replace('"', ""), name=json.dumps(app), identity=identity)
