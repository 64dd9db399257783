"""One vault and secret interface over the secret stores that people already run.

``import tailorsecrets`` loads next to nothing; each name loads what it needs when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailorsecrets.app import (
        App,
        BodyFailed,
        IncomingWebhook,
        InputInvalid,
        Outcome,
        OutputInvalid,
        RecordCreated,
        RecordDeleted,
        RecordUpdated,
        Scheduled,
        WebhookFailed,
        create_executor,
        create_resolver,
        create_workflow,
        create_workflow_job,
        incoming_webhook_trigger,
        record_created_trigger,
        record_deleted_trigger,
        record_updated_trigger,
        schedule_trigger,
        webhook,
    )
    from tailorsecrets.config.config import Config, define_config, define_secret_manager
    from tailorsecrets.declared.sources import env, file, generate
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
        VersionNotFound,
    )
    from tailorsecrets.references.ref import SecretRef
    from tailorsecrets.runtime.events import CacheEvent, CacheInfo, Reading
    from tailorsecrets.runtime.manager import ManagerBase, SecretManager
    from tailorsecrets.secret import Secret
    from tailorsecrets.store.store import Store
    from tailorsecrets.targets.opening import open_store

__version__ = "0.1.0"

_HOME = {
    "App": "app",
    "BodyFailed": "app",
    "CacheEvent": "runtime.events",
    "CacheInfo": "runtime.events",
    "Config": "config.config",
    "IncomingWebhook": "app",
    "InputInvalid": "app",
    "ManagerBase": "runtime.manager",
    "Outcome": "app",
    "OutputInvalid": "app",
    "Reading": "runtime.events",
    "RecordCreated": "app",
    "RecordDeleted": "app",
    "RecordUpdated": "app",
    "Scheduled": "app",
    "Secret": "secret",
    "SecretManager": "runtime.manager",
    "SecretRef": "references.ref",
    "Store": "store.store",
    "WebhookFailed": "app",
    "create_executor": "app",
    "create_resolver": "app",
    "create_workflow": "app",
    "create_workflow_job": "app",
    "define_config": "config.config",
    "define_secret_manager": "config.config",
    "env": "declared.sources",
    "file": "declared.sources",
    "generate": "declared.sources",
    "incoming_webhook_trigger": "app",
    "open_store": "targets.opening",
    "record_created_trigger": "app",
    "record_deleted_trigger": "app",
    "record_updated_trigger": "app",
    "schedule_trigger": "app",
    "webhook": "app",
}

__all__ = [
    "AlreadyExists",
    "App",
    "BodyFailed",
    "CacheEvent",
    "CacheInfo",
    "Config",
    "ConfigError",
    "Conflict",
    "Corrupt",
    "Denied",
    "Disabled",
    "IncomingWebhook",
    "InputInvalid",
    "ManagerBase",
    "NameInvalid",
    "NotEmpty",
    "NotFound",
    "Outcome",
    "OutputInvalid",
    "Reading",
    "RecordCreated",
    "RecordDeleted",
    "RecordUpdated",
    "Scheduled",
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
    "VersionNotFound",
    "WebhookFailed",
    "create_executor",
    "create_resolver",
    "create_workflow",
    "create_workflow_job",
    "define_config",
    "define_secret_manager",
    "env",
    "file",
    "generate",
    "incoming_webhook_trigger",
    "open_store",
    "record_created_trigger",
    "record_deleted_trigger",
    "record_updated_trigger",
    "schedule_trigger",
    "webhook",
]

if not TYPE_CHECKING:  # so that a type checker finds a misspelt import

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"tailorsecrets.{_HOME.get(name, 'errors')}"), name)

    def __dir__() -> list[str]:
        return [*__all__, "__version__"]
