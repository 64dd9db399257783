"""Azure Key Vault, through azure-keyvault-secrets and azure-identity.

``docs/stores/azure.md`` describes the names, versions and deletes as Azure's own tools show them.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from tailorsecrets.driver import Driver, Option, StoreType, Target, VaultNames

_OPTIONS: Final = {
    "credential": Option(
        "the only login to use",
        form="environment|workload|managed|cli|azd|powershell",
        expected="environment, workload, managed, cli, azd or powershell",
        default="all of them in turn",
        place=False,
    ),
    "client_id": Option(
        "the client id of the managed or workload identity",
        form="[0-9A-Fa-f-]{36}",
        expected="a client id, for example 00000000-0000-0000-0000-000000000000",
        default="`AZURE_CLIENT_ID`",
        place=False,
    ),
    "authority": Option(
        "the host to sign in at",
        form=r"(https://)?[A-Za-z0-9.-]+(:\d{1,5})?/?",
        expected="a host, for example login.microsoftonline.us",
        default="`AZURE_AUTHORITY_HOST`, then the host for the Key Vault's cloud",
        place=False,
    ),
    "ca_bundle": Option(
        "a PEM file with the certificate authorities to trust", default="`REQUESTS_CA_BUNDLE`", place=False
    ),
    "api_version": Option(
        "the version of the service's API",
        form=r"[\w.-]{3,20}",
        expected="a version, for example 2025-07-01",
        default="the newest one that the SDK knows",
        place=False,
    ),
    "tags": Option(
        "tags for each new version, for example `team=payments,stage=prod`",
        form="(?!(?i:tailorsecrets))[^=]{1,256}=.{0,256}",
        expected="name=value with up to 256 characters each, and a name that does not begin with tailorsecrets",
        separator=",",
        place=False,
    ),
    "content_type": Option(
        "the content type of each new version, for example `text/plain`",
        form=".{1,255}",
        expected="up to 255 characters",
        place=False,
    ),
    "expires_days": Option(
        "the days until a new version expires; Azure still returns an expired version",
        form=r"[1-9]\d{0,4}",
        expected="a number of days from 1 to 99999",
        default="never",
        place=False,
    ),
}


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type for ``azure://NAME-OR-HOST[/PREFIX]``."""
    return [StoreType(scheme="azure", open=_open, options=_OPTIONS, extra="azure", policy=_policy)]


def _open(target: Target) -> Driver:
    from tailorsecrets_azure.driver import AzureDriver

    return AzureDriver(target)


def _policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    from tailorsecrets_azure.policy import policy

    return policy(target, vaults, use)
