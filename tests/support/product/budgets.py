"""What each operation may cost on each store, as a formula of the number of secrets in two vaults."""

from collections.abc import Callable
from math import ceil

from tests.support.product.calls import BATCH, Costs

VAULTS = 2


def in_memory(count: int) -> Costs:
    """Return what the methods of the driver are called for."""
    return Costs(
        get={"get": 1},
        get_all={"get_many": ceil(BATCH / 20)},
        unchanged={"list": 1, "get_many": 1},
        one_changed={"put": 1},
        all_new={"put": count + VAULTS},
    )


def in_file(count: int) -> Costs:
    """Return how often the file is read and rewritten; a process keeps what it read until the file changes."""
    del count
    return Costs(first={"read": 1}, one_changed={"rewrite": 1}, all_new={"rewrite": 1})


def in_mounts(count: int) -> Costs:
    """Return the requests to OpenBao, where each vault is a mount."""
    return Costs(
        get={"GET data": 1},
        get_all={"GET data": BATCH},
        unchanged={"GET internal": 1, "LIST detailed-metadata": VAULTS, "GET data": VAULTS},
        one_changed={"GET metadata": 1, "POST data": 1, "PATCH metadata": 1},
        all_new={"POST mounts": VAULTS, "POST data": count + VAULTS, "PATCH metadata": count},
    )


def in_folders(count: int) -> Costs:
    """Return the requests to OpenBao, where vaults are folders: the records are one more, and so is the workspace."""
    return Costs(
        first={"GET internal": 1},
        get={"GET data": 1},
        get_all={"GET data": BATCH},
        unchanged={"LIST detailed-metadata": VAULTS + 2, "GET data": VAULTS},
        one_changed={"GET metadata": 1, "POST data": 1, "PATCH metadata": 1},
        all_new={"POST data": count + VAULTS, "PATCH metadata": count},
    )


def on_aws(count: int) -> Costs:
    """Return the calls of Secrets Manager."""
    return Costs(
        get={"GetSecretValue": 1},
        get_all={"BatchGetSecretValue": ceil(BATCH / 20)},
        unchanged={"ListSecrets": ceil((count + VAULTS) / 100), "BatchGetSecretValue": ceil(VAULTS / 20)},
        one_changed={"DescribeSecret": 1, "PutSecretValue": 1},
        all_new={"CreateSecret": count + VAULTS},
    )


def at_google(count: int) -> Costs:
    """Return the calls of Secret Manager."""
    return Costs(
        get={"AccessSecretVersion": 1},
        get_all={"AccessSecretVersion": BATCH},
        unchanged={"ListSecrets": 1, "ListSecretVersions": count, "AccessSecretVersion": VAULTS},
        one_changed={"ListSecretVersions": 1, "AddSecretVersion": 1, "UpdateSecret": 1},
        all_new={"CreateSecret": count + VAULTS, "AddSecretVersion": count + VAULTS},
    )


def at_azure(count: int) -> Costs:
    """Return the requests to Key Vault; it has no create that fails for what is there, so a new name is looked for."""
    new = count + VAULTS
    return Costs(
        get={"get": 1},
        get_all={"get": BATCH},
        unchanged={"list": ceil(new / 25), "get": VAULTS},
        one_changed={"versions": 1, "set": 1},
        all_new={"versions": new, "get_deleted": new, "set": new},
    )


BUDGETS: dict[str, Callable[[int], Costs]] = {
    "memory": in_memory,
    "file": in_file,
    "openbao-mounts": in_mounts,
    "openbao-folders": in_folders,
    "openbao-raft": in_mounts,
    "aws": on_aws,
    "aws-localstack": on_aws,
    "gcp": at_google,
    "azure": at_azure,
}
