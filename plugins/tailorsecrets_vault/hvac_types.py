"""What the plugin uses of hvac, which has no types of its own; importing this module imports hvac."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests import Response

    class VaultError(Exception):
        """An answer that is an error; ``wire`` adds its status, and the seconds that it asks to wait."""

        errors: list[str] | None
        url: str | None
        text: str | None
        json: dict[str, Any] | None
        status: int
        retry_after: float | None

    class BadGateway(VaultError):
        """502."""

    class Forbidden(VaultError):
        """403."""

    class InternalServerError(VaultError):
        """500."""

    class InvalidPath(VaultError):
        """404."""

    class InvalidRequest(VaultError):
        """400."""

    class ParamValidationError(VaultError):
        """An argument that hvac itself refuses."""

    class RateLimitExceeded(VaultError):
        """429."""

    class Unauthorized(VaultError):
        """401."""

    class UnsupportedOperation(VaultError):
        """405 of older releases."""

    class VaultDown(VaultError):
        """503."""

    class JSONAdapter:
        """Sends requests."""

        _kwargs: dict[str, Any]

        def request(self, method: str, url: str, headers: dict[str, str] | None = None, **options: Any) -> Any:
            """Return the object of a JSON answer, else the answer as it came; raise VaultError for an error."""

        def _raise_for_error(self, method: str, url: str, response: Response) -> None: ...

    Client: Any
else:
    from hvac import Client
    from hvac.adapters import JSONAdapter
    from hvac.exceptions import (
        BadGateway,
        Forbidden,
        InternalServerError,
        InvalidPath,
        InvalidRequest,
        ParamValidationError,
        RateLimitExceeded,
        Unauthorized,
        UnsupportedOperation,
        VaultDown,
        VaultError,
    )

__all__ = [
    "BadGateway",
    "Client",
    "Forbidden",
    "InternalServerError",
    "InvalidPath",
    "InvalidRequest",
    "JSONAdapter",
    "ParamValidationError",
    "RateLimitExceeded",
    "Unauthorized",
    "UnsupportedOperation",
    "VaultDown",
    "VaultError",
]
