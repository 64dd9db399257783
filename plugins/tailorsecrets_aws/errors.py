"""What each exception of boto3 means, and what to do about it.

AWS tells most things by an error code, and some of them, such as a denied call, only by a code that its service model
does not list; codes of the services that sign in (STS, SSO) are among them. The text of an exception is shown only
where it cannot hold a value: never that of a write, and never a refused parameter.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import boto3.exceptions
import botocore.exceptions as boto
from botocore.parsers import ResponseParserError

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

_SIGN_IN: Final = "sign in: aws sso login, AWS_PROFILE, AWS_ACCESS_KEY_ID, or a role"
_SIGN_IN_AGAIN: Final = "the login is wrong or has run out; sign in again"
_CLOCK: Final = "the clock of this machine is off"
_NETWORK: Final = "check the network, the region and endpoint_url"
_CERTIFICATE: Final = "the server's certificate is not trusted; name its authority in ca_bundle or AWS_CA_BUNDLE"
_PARAMETER: Final = "AWS refuses a parameter; check kms_key_id, tags, replicas and the region"
_KEY: Final = "its KMS key is disabled, deleted or not to be used by this login"
_QUOTA: Final = "an AWS quota is used up: secrets in the region, or versions of a secret within a day"
_STATE: Final = "another AWS service manages the secret, or its state forbids it"
_DELETED: Final = "it is deleted; tailorsecrets secret restore brings it back"
_PURGED: Final = "AWS is still destroying the secret of that name; try again in some minutes"
_NO_VALUE: Final = "it is there and has no current value"
_VERSION: Final = "there is no such version"
_NO_SERVICE: Final = "the answer is damaged or not from AWS Secrets Manager; check endpoint_url and proxies"

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
CLASSES: Final[Mapping[type[Exception], Problem]] = {
    **dict.fromkeys(
        (
            boto.CredentialRetrievalError,
            boto.LoginError,
            boto.MetadataRetrievalError,
            boto.NoAuthTokenError,
            boto.NoCredentialsError,
            boto.PartialCredentialsError,
            boto.RefreshWithMFAUnsupportedError,
            boto.SSOError,
            boto.TokenRetrievalError,
            boto.UnauthorizedSSOTokenError,
        ),
        Problem(Unauthenticated, _SIGN_IN),
    ),
    **dict.fromkeys(
        (
            boto.CapacityNotAvailableError,
            boto.ChecksumError,
            boto.ConnectionError,
            boto.FlexibleChecksumError,
            boto.HTTPClientError,
            boto.IncompleteReadError,
            ResponseParserError,
            UnicodeDecodeError,  # bytes of an answer that are no JSON text
        ),
        Problem(Unavailable, _NETWORK),
    ),
    boto.SSLError: Problem(ConfigError, _CERTIFICATE),
    **dict.fromkeys(
        (boto.BotoCoreError, boto.UndefinedModelAttributeError, boto3.exceptions.Boto3Error),
        Problem(ConfigError, "boto3 cannot work with these settings"),
    ),
}

_OURS: Final = {
    "BatchGetSecretValue": "get",
    "CreateSecret": "put",
    "DeleteSecret": "delete",
    "DescribeSecret": "stat",
    "GetSecretValue": "get",
    "ListSecretVersionIds": "versions",
    "ListSecrets": "list",
    "PutSecretValue": "put",
    "RemoveRegionsFromReplication": "delete",
    "RestoreSecret": "restore",
}
_STATUSES: Final = {401: "ExpiredTokenException", 403: "AccessDeniedException", 429: "ThrottlingException"}
_WRITES: Final = {"put", "delete", "restore"}
_IS_DELETED: Final = re.compile(r"(was|marked|marked for) delet|scheduled for deletion", re.IGNORECASE)
_LONGEST_QUOTE: Final = 400  # characters


def explain(exc: Exception, op: str) -> Problem:
    """Return what *exc*, raised by method *op* of the driver or by that operation of AWS, means."""
    if isinstance(exc, SecretsError):
        return Problem(type(exc), exc.hint)
    if isinstance(exc, boto.ClientError):
        return _answered(exc)
    if isinstance(exc, boto.ParamValidationError):  # its text may hold the value
        no_version = op == "get" and "parameter VersionId" in str(exc)
        return Problem(NotFound, _VERSION) if no_version else Problem(ConfigError, _PARAMETER)
    known = next((CLASSES[kind] for kind in type(exc).__mro__ if kind in CLASSES), Problem(SecretsError))
    return _told(known, exc, op)


def is_deleted(exc: boto.ClientError) -> bool:
    """Tell whether AWS refuses a call because the secret waits for its end; the code alone does not tell it."""
    error = exc.response.get("Error", {})
    return error.get("Code") == "InvalidRequestException" and bool(_IS_DELETED.search(error.get("Message", "")))


def _answered(exc: boto.ClientError) -> Problem:
    op, facts = exc.operation_name, exc.response
    code = facts.get("Error", {}).get("Code", "")
    status = facts.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    problem = CODES.get(code) or _by_status(status, code)
    if op not in _OURS:
        return _signing_in(problem, exc)
    if is_deleted(exc):
        return Problem(Conflict, _PURGED) if op == "CreateSecret" else Problem(NotFound, _DELETED)
    if problem.kind is Throttled:
        return Problem(Throttled, retry_after=_retry_after(facts.get("ResponseMetadata", {})))
    if problem.kind is NotFound and "staging label" in facts.get("Error", {}).get("Message", ""):
        return Problem(NotFound, _NO_VALUE)
    if problem.kind is Denied and not problem.hint:
        return _told(Problem(Denied, f"the login may not do secretsmanager:{op}"), exc, _OURS[op])
    return _told(problem, exc, _OURS[op]) if problem.kind is not NotFound else problem


def _by_status(status: int, code: str) -> Problem:
    """Return what an answer with an unknown *code* means.

    Where botocore finds no code in a body, the status is the code: a page of a proxy, or an answer that was cut off. So
    a 404 of what is not AWS is no missing secret.
    """
    if status in _STATUSES:
        return CODES[_STATUSES[status]]
    if status >= 500 or code.isdecimal():  # noqa: PLR2004
        return Problem(Unavailable, _NO_SERVICE)
    return Problem(ConfigError, f"AWS says {code}")


def _signing_in(problem: Problem, exc: boto.ClientError) -> Problem:
    """Return what a failure of the services behind the login means: without them nobody knows who asks."""
    if problem.kind in {Throttled, Unavailable}:
        return problem
    return _told(Problem(Unauthenticated, f"{exc.operation_name} was refused"), exc, "sign in")


def _told(problem: Problem, exc: Exception, op: str) -> Problem:
    """Return *problem* with the text of *exc* behind the hint, where that text can hold no value."""
    if op in _WRITES or _OURS.get(op) in _WRITES or isinstance(exc, UnicodeDecodeError):
        return problem
    said = exc.response.get("Error", {}).get("Message", "") if isinstance(exc, boto.ClientError) else str(exc)
    quote = " ".join(said.split())[:_LONGEST_QUOTE]
    if not quote:
        return problem
    return Problem(problem.kind, f"{problem.hint} ({quote})" if problem.hint else quote)


def _retry_after(metadata: Mapping[str, Any]) -> float | None:
    headers: Mapping[str, str] = metadata.get("HTTPHeaders", {})
    for name, unit in (("x-amz-retry-after", 1_000), ("retry-after", 1)):
        with suppress(ValueError):
            return max(0.0, float(headers.get(name, "")) / unit)
    return None
