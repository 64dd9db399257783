"""Google Cloud Secret Manager, through google-cloud-secret-manager over gRPC.

``docs/stores/gcp.md`` describes how names, versions and deletes look to Google's own tools.
"""

from collections.abc import Iterable

from tailorsecrets.driver import StoreType, imported
from tailorsecrets_gcp.options import OPTIONS
from tailorsecrets_gcp.where import WHERE


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type behind ``gcp://PROJECT[/PREFIX]``."""
    return [
        StoreType(
            scheme="gcp",
            open=imported("tailorsecrets_gcp.driver:GcpDriver"),
            options=OPTIONS,
            extra="gcp",
            policy=imported("tailorsecrets_gcp.policy:policy"),
            where=WHERE,
            sdk=("google-cloud-secret-manager", "grpcio", "google-auth"),
        )
    ]
