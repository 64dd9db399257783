"""The meaning of each exception of botocore, and what to do about it.

AWS says most things by an error code. Some codes, such as that of a denied call, are not in its service model, and
others come from the services that sign in (STS, SSO). Classes and codes are named by text, so that an older botocore,
which lacks some of the classes, works too.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import ClientError, ParamValidationError

from tailorsecrets.driver import Problem
from tailorsecrets.errors import (
    AlreadyExists,
    ConfigError,
    Conflict,
    Denied,
    Disabled,
    NotFound,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from tailorsecrets.kit import retry_after

_SIGN_IN: Final = "sign in: aws sso login, AWS_PROFILE, AWS_ACCESS_KEY_ID, or a role"
_SIGN_IN_AGAIN: Final = "the login is wrong or has expired; sign in again"
_CLOCK: Final = "the clock of this machine is wrong"
_NETWORK: Final = "check the network, the region and endpoint_url"
_CERTIFICATE: Final = "the server's certificate is not trusted; name its authority in ca_bundle or AWS_CA_BUNDLE"
_PARAMETER: Final = "AWS refuses a parameter; check kms_key_id, tags, replicas and the region"
_SETTINGS: Final = "check the URL's options, AWS_ variables and ~/.aws/config; --verbose shows the reason"
_KEY: Final = "its KMS key is disabled or deleted, or this login may not use it"
_QUOTA: Final = "an AWS quota is used up: secrets in the region, or versions of a secret within a day"
_STATE: Final = "another AWS service manages the secret, or its state forbids it"
_DELETED: Final = "it is deleted; tailorsecrets secret restore brings it back"
_PURGED: Final = "AWS is still destroying the secret of that name; try again in some minutes"
_NO_VALUE: Final = "it is there and has no current value"
_VERSION: Final = "there is no such version"
_NOT_AWS: Final = "the answer is damaged or not from AWS Secrets Manager; check endpoint_url and proxies"
_UNKNOWN: Final = "AWS refuses the call; --verbose shows the reason"

_THROTTLED: Final = {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_DENIED: Final = {"AccessDenied", "AccessDeniedException", "NotAuthorized", "OptInRequired", "UnauthorizedOperation"}
_LOGIN: Final = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnauthorizedException",
    "UnrecognizedClientException",
}
_SKEWED: Final = {"RequestExpired", "RequestTimeTooSkewed"}
_DOWN: Final = {
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "InvalidNextTokenException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
}
_WRONG: Final = {
    "InvalidParameterException",
    "InvalidParameterValue",
    "MalformedPolicyDocumentException",
    "MissingParameter",
    "SerializationException",
    "UnknownOperationException",
    "ValidationError",
    "ValidationException",
}
CODES: Final[Mapping[str, Problem]] = {
    **dict.fromkeys(_THROTTLED, Problem(Throttled)),
    **dict.fromkeys(_DENIED, Problem(Denied)),
    **dict.fromkeys(_LOGIN, Problem(Unauthenticated, _SIGN_IN_AGAIN)),
    **dict.fromkeys(_SKEWED, Problem(Unauthenticated, _CLOCK)),
    **dict.fromkeys(_DOWN, Problem(Unavailable)),
    **dict.fromkeys(_WRONG, Problem(ConfigError, _PARAMETER)),
    "DecryptionFailure": Problem(Disabled, _KEY),
    "EncryptionFailure": Problem(Denied, _KEY),
    "InvalidRequestException": Problem(Denied, _STATE),
    "LimitExceededException": Problem(Denied, _QUOTA),
    "PreconditionNotMetException": Problem(Conflict),
    "PublicPolicyException": Problem(Denied),
    "ResourceExistsException": Problem(AlreadyExists),
    "ResourceNotFoundException": Problem(NotFound),
}
_NO_LOGIN: Final = {
    "CredentialRetrievalError",
    "LoginError",
    "MetadataRetrievalError",
    "NoAuthTokenError",
    "NoCredentialsError",
    "PartialCredentialsError",
    "RefreshWithMFAUnsupportedError",
    "SSOError",
    "TokenRetrievalError",
    "UnauthorizedSSOTokenError",
}
_NO_ANSWER: Final = {
    "CapacityNotAvailableError",
    "ChecksumError",
    "ConnectionError",
    "FlexibleChecksumError",
    "HTTPClientError",
    "IncompleteReadError",
    "ResponseParserError",
    "UnicodeDecodeError",  # the bytes of the answer are not text
}
CLASSES: Final[Mapping[str, Problem]] = {
    **dict.fromkeys(_NO_LOGIN, Problem(Unauthenticated, _SIGN_IN)),
    **dict.fromkeys(_NO_ANSWER, Problem(Unavailable, _NETWORK)),
    **dict.fromkeys(("BotoCoreError", "UndefinedModelAttributeError", "Boto3Error"), Problem(ConfigError, _SETTINGS)),
    "SSLError": Problem(ConfigError, _CERTIFICATE),
}

READS: Final = {"BatchGetSecretValue", "DescribeSecret", "GetSecretValue", "ListSecretVersionIds", "ListSecrets"}
WRITES: Final = {"CreateSecret", "DeleteSecret", "PutSecretValue", "RemoveRegionsFromReplication", "RestoreSecret"}
_OPERATIONS: Final = READS | WRITES
_STATUSES: Final = {401: "ExpiredTokenException", 403: "AccessDeniedException", 429: "ThrottlingException"}
_IS_DELETED: Final = re.compile(r"(was|marked|marked for) delet|scheduled for deletion", re.IGNORECASE)


def explain(exc: Exception, op: str) -> Problem:
    """Return the meaning of *exc*, raised by method *op* of the driver."""
    if isinstance(exc, SecretsError):
        return Problem(type(exc), exc.hint)
    if isinstance(exc, ClientError):
        error = exc.response.get("Error", {})
        return _answered(exc)._replace(reason=error.get("Message", ""), reason_code=error.get("Code", ""))
    if isinstance(exc, ParamValidationError):  # its text may hold the value
        no_version = op == "get" and "parameter VersionId" in str(exc)
        return Problem(NotFound, _VERSION) if no_version else Problem(ConfigError, _PARAMETER)
    names = (kind.__name__ for kind in type(exc).__mro__)
    known = next((CLASSES[name] for name in names if name in CLASSES), Problem(SecretsError))
    return known if isinstance(exc, UnicodeDecodeError) else known._replace(reason=str(exc))


def _answered(exc: ClientError) -> Problem:
    op, facts = exc.operation_name, exc.response
    error = facts.get("Error", {})
    code, message = error.get("Code", ""), error.get("Message", "")
    metadata = facts.get("ResponseMetadata", {})
    problem = CODES.get(code) or _by_status(metadata.get("HTTPStatusCode", 0), code)
    if problem.kind is Throttled:
        return Problem(Throttled, retry_after=_retry_after(metadata))
    if op not in _OPERATIONS:  # it signs in; without a login AWS does not know who asks
        return problem if problem.kind is Unavailable else Problem(Unauthenticated, f"{op} was refused")
    if code == "InvalidRequestException" and _IS_DELETED.search(message):
        return Problem(Conflict, _PURGED) if op == "CreateSecret" else Problem(NotFound, _DELETED)
    if problem.kind is NotFound:
        return Problem(NotFound, _missing(message))
    if problem.kind is Denied and not problem.hint:
        return Problem(Denied, f"the login may not do secretsmanager:{op}")
    return problem


def _missing(message: str) -> str:
    """Return the hint for one of the three things that AWS reports as not found."""
    return _NO_VALUE if "staging label" in message else _VERSION if "VersionId" in message else ""


def _by_status(status: int, code: str) -> Problem:
    """Return the meaning of an answer with an unknown *code*.

    Where botocore finds no code in a body, the status is the code: a page of a proxy, or an answer that was cut off. So
    a 404 that is not from AWS is not a missing secret.
    """
    if status in _STATUSES:
        return CODES[_STATUSES[status]]
    return Problem(Unavailable, _NOT_AWS) if status >= 500 or code.isdecimal() else Problem(ConfigError, _UNKNOWN)  # noqa: PLR2004


def _retry_after(metadata: Mapping[str, Any]) -> float | None:
    headers: Mapping[str, str] = metadata.get("HTTPHeaders", {})
    with suppress(ValueError):
        return max(0.0, float(headers.get("x-amz-retry-after", "")) / 1_000)
    return retry_after(headers)
