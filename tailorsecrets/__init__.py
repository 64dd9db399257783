"""One vault and secret interface over the secret stores that people already run.

``import tailorsecrets`` loads next to nothing; each name loads what it needs when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailorsecrets.config import Config, define_config, define_secret_manager
    from tailorsecrets.errors import (
        AlreadyExists,
        ConfigError,
        Conflict,
        Corrupt,
        Denied,
        Disabled,
        NameInvalid,
        NotEmpty,
        NotFound,
        SecretAlreadyExists,
        SecretNotFound,
        SecretsError,
        StoreNotFound,
        Throttled,
        TooLarge,
        Unauthenticated,
        Unavailable,
        UndeclaredSecret,
        Unsupported,
        ValueInvalid,
        VaultAlreadyExists,
        VaultNotFound,
    )
    from tailorsecrets.manager import ManagerBase, SecretManager
    from tailorsecrets.names import SecretRef
    from tailorsecrets.secret import Secret
    from tailorsecrets.sources import env, file, generate
    from tailorsecrets.store import Store
    from tailorsecrets.targets import open_store

__version__ = "0.1.0"

_HOME = {
    "Config": "config",
    "ManagerBase": "manager",
    "Secret": "secret",
    "SecretManager": "manager",
    "SecretRef": "names",
    "Store": "store",
    "define_config": "config",
    "define_secret_manager": "config",
    "env": "sources",
    "file": "sources",
    "generate": "sources",
    "open_store": "targets",
}

__all__ = [
    "AlreadyExists",
    "Config",
    "ConfigError",
    "Conflict",
    "Corrupt",
    "Denied",
    "Disabled",
    "ManagerBase",
    "NameInvalid",
    "NotEmpty",
    "NotFound",
    "Secret",
    "SecretAlreadyExists",
    "SecretManager",
    "SecretNotFound",
    "SecretRef",
    "SecretsError",
    "Store",
    "StoreNotFound",
    "Throttled",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "UndeclaredSecret",
    "Unsupported",
    "ValueInvalid",
    "VaultAlreadyExists",
    "VaultNotFound",
    "define_config",
    "define_secret_manager",
    "env",
    "file",
    "generate",
    "open_store",
]

if not TYPE_CHECKING:  # so that a type checker finds a misspelt import

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"tailorsecrets.{_HOME.get(name, 'errors')}"), name)
