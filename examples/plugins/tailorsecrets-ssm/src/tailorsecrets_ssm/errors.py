"""The meaning of each exception of botocore. Pure."""

from collections.abc import Mapping
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from tailorsecrets.driver import Problem
from tailorsecrets.errors import (
    AlreadyExists,
    ConfigError,
    Denied,
    NameInvalid,
    NotFound,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from tailorsecrets.kit import http_problem

_SIGN_IN: Final = "sign in, for example with aws sso login, or set the AWS_ variables"
_SETTINGS: Final = "check the URL, ~/.aws/config and the AWS_ variables"
_NO_LOGIN: Final = (
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
_CODES: Final[Mapping[str, Problem]] = {
    **dict.fromkeys(_NO_LOGIN, Problem(Unauthenticated, _SIGN_IN)),
    "AccessDeniedException": Problem(Denied, "tailorsecrets policy prints the rights that are needed"),
    "HierarchyLevelLimitExceededException": Problem(NameInvalid, "a parameter has at most 15 parts"),
    "InternalServerError": Problem(Unavailable),
    "InvalidKeyId": Problem(Denied, "the KMS key is missing, disabled, or not open to this login"),
    "ParameterAlreadyExists": Problem(AlreadyExists),
    "ParameterLimitExceeded": Problem(Denied, "the account has as many parameters as it may"),
    "ParameterMaxVersionLimitExceeded": Problem(Denied, "its oldest version has a label, so no version can be added"),
    "ParameterNotFound": Problem(NotFound),
    "ParameterVersionNotFound": Problem(NotFound),
    "ThrottlingException": Problem(Throttled),
    "TooManyUpdates": Problem(Throttled),
    "ValidationException": Problem(ConfigError, "Parameter Store refuses the request; see the reason in --verbose"),
}
_CLASSES: Final[Mapping[str, Problem]] = {  # the first that an exception's class or a base of it has
    "CredentialRetrievalError": Problem(Unauthenticated, _SIGN_IN),
    "LoginError": Problem(Unauthenticated, _SIGN_IN),
    "NoAuthTokenError": Problem(Unauthenticated, _SIGN_IN),
    "NoCredentialsError": Problem(Unauthenticated, _SIGN_IN),
    "PartialCredentialsError": Problem(Unauthenticated, _SIGN_IN),
    "SSOError": Problem(Unauthenticated, _SIGN_IN),
    "TokenRetrievalError": Problem(Unauthenticated, _SIGN_IN),
    "SSLError": Problem(ConfigError, "the certificate is not trusted"),
    "ConnectionError": Problem(Unavailable),
    "HTTPClientError": Problem(Unavailable),
    "ResponseParserError": Problem(Unavailable, "the answer was cut off, or is not from AWS"),
    "UnicodeDecodeError": Problem(Unavailable, "the answer was cut off, or is not from AWS"),
    "BotoCoreError": Problem(ConfigError, _SETTINGS),
}


def explain(exc: Exception) -> Problem:
    """Return the meaning of *exc*; one that no AWS call raises is a bug, not an outage."""
    if isinstance(exc, ClientError):
        return _answered(exc)
    if isinstance(exc, ParamValidationError):  # its text may quote the value
        return Problem(ConfigError, "botocore refuses the request")
    known = (_CLASSES[kind.__name__] for kind in type(exc).__mro__ if kind.__name__ in _CLASSES)
    problem = next(known, Problem(SecretsError))
    return problem._replace(reason=str(exc)) if isinstance(exc, BotoCoreError) else problem


def _answered(exc: ClientError) -> Problem:
    """Return the meaning of an answer: by its code, or else by its HTTP status."""
    error, metadata = exc.response.get("Error", {}), exc.response.get("ResponseMetadata", {})
    code = error.get("Code", "")
    problem = _CODES.get(code) or http_problem(metadata.get("HTTPStatusCode", 0), metadata.get("HTTPHeaders"))
    return problem._replace(reason=error.get("Message", ""), reason_code=code)
