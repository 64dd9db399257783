"""Each exception class of boto3 and each error code of AWS has a meaning."""

import inspect
from typing import Any

import botocore.exceptions
import botocore.session
import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, ParamValidationError
from botocore.parsers import ResponseParserError

from tailorsecrets import errors
from tailorsecrets.errors import (
    AlreadyExists,
    ConfigError,
    Conflict,
    Denied,
    NotFound,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from tailorsecrets_aws.errors import CLASSES, CODES, explain

CANARY = "canary-5b1f"
ALL = [
    kind
    for kind in vars(botocore.exceptions).values()
    if inspect.isclass(kind) and issubclass(kind, Exception) and not issubclass(kind, Warning)
    if kind.__module__ == botocore.exceptions.__name__
]
PLAIN = {  # wrong settings and wrong use of boto3; a class that a new boto3 brings must be put somewhere
    *("AliasConflictParameterError", "ApiVersionNotFoundError", "AwsChunkedWrapperError", "BaseEndpointResolverError"),
    *("BotoCoreError", "ConfigNotFound", "ConfigParseError", "DataNotFoundError", "EndpointProviderError"),
    *("EndpointResolutionError", "EndpointVariantError", "InfiniteLoopConfigError", "InvalidChecksumConfigError"),
    *("InvalidConfigError", "InvalidDNSNameError", "InvalidDefaultsMode", "InvalidEndpointConfigurationError"),
    *("InvalidEndpointDiscoveryConfigurationError", "InvalidExpressionError", "InvalidHostLabelError"),
    *("InvalidIMDSEndpointError", "InvalidIMDSEndpointModeError", "InvalidMaxRetryAttemptsError", "InvalidRegionError"),
    *("InvalidProxiesConfigError", "InvalidRetryConfigurationError", "InvalidRetryModeError", "MD5UnavailableError"),
    *("InvalidS3AddressingStyleError", "InvalidS3UsEast1RegionalEndpointConfigError", "MissingDependencyException"),
    *("InvalidSTSRegionalEndpointsConfigError", "MissingParametersError", "MissingServiceIdError", "NoRegionError"),
    *("OperationNotPageableError", "PaginationError", "ParamValidationError", "ProfileNotFound", "RangeError"),
    *("ServiceNotInRegionError", "StubAssertionError", "StubResponseError", "UnStubbedResponseError"),
    *("UndefinedModelAttributeError", "UnknownClientMethodError", "UnknownCredentialError", "UnknownEndpointError"),
    *("UnknownEndpointResolutionBuiltInName", "UnknownFIPSEndpointError", "UnknownKeyError", "UnknownParameterError"),
    *("UnknownRegionError", "UnknownServiceError", "UnknownServiceStyle", "UnknownSignatureVersionError"),
    *("UnknownTokenProviderError", "UnseekableStreamError", "UnsupportedOutpostResourceError", "ValidationError"),
    *("UnsupportedS3AccesspointConfigurationError", "UnsupportedS3ArnError", "UnsupportedS3ConfigurationError"),
    *("UnsupportedS3ControlArnError", "UnsupportedS3ControlConfigurationError", "UnsupportedServiceProtocolsError"),
    *("UnsupportedSignatureVersionError", "WaiterConfigError", "WaiterError", "InvalidProxiesConfigError"),
}
CODED: dict[str, type[SecretsError]] = {
    "AccessDeniedException": Denied,
    "DecryptionFailure": errors.Disabled,
    "EncryptionFailure": Denied,
    "ExpiredTokenException": Unauthenticated,
    "InternalServiceError": Unavailable,
    "InvalidNextTokenException": Unavailable,
    "InvalidParameterException": ConfigError,
    "InvalidSignatureException": Unauthenticated,
    "LimitExceededException": Denied,
    "RequestTimeTooSkewed": Unauthenticated,
    "ResourceExistsException": AlreadyExists,
    "ResourceNotFoundException": NotFound,
    "ServiceUnavailable": Unavailable,
    "SlowDown": Throttled,
    "ThrottlingException": Throttled,
    "UnrecognizedClientException": Unauthenticated,
    "ValidationException": ConfigError,
}


def made(kind: type[Exception]) -> Exception:
    """Return an exception of *kind*, whose text needs its own arguments in nearly every class."""
    if issubclass(kind, ClientError):
        return answered("InternalServiceError")
    return kind.__new__(kind)


def answered(code: str, message: str = "", *, op: str = "GetSecretValue", status: int = 400) -> ClientError:
    """Return botocore's exception for an answer with *code*."""
    facts: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(facts, op)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_class_of_botocore(kind: type[Exception]) -> None:
    """Each class has its own meaning, or is known to be about wrong settings."""
    meaning = explain(made(kind), "put").kind

    assert meaning is not SecretsError
    assert (meaning is ConfigError) == (kind.__name__ in PLAIN or kind.__name__ == "SSLError")


def test_every_modelled_code() -> None:
    """Each error that the service model lists has a meaning."""
    model = botocore.session.Session().get_service_model("secretsmanager")
    listed = {shape.name for shape in model.error_shapes}

    assert len(listed) >= 12
    assert listed <= set(CODES)


@pytest.mark.parametrize("code", CODED)
@pytest.mark.parametrize("op", ["GetSecretValue", "PutSecretValue", "ListSecrets"])
def test_codes(code: str, op: str) -> None:
    """A code means the same for every operation."""
    assert explain(answered(code, op=op), "get").kind is CODED[code]


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("401", 401, Unauthenticated),
        ("403", 403, Denied),
        ("404", 404, Unavailable),
        ("429", 429, Throttled),
        ("400", 400, Unavailable),
        ("502", 502, Unavailable),
        ("BrandNewException", 400, ConfigError),
        ("BrandNewException", 500, Unavailable),
    ],
)
def test_answers_without_a_known_code(code: str, status: int, kind: type[SecretsError]) -> None:
    """Without a known code the status decides; a 404 that is not from AWS is not a missing secret."""
    assert explain(answered(code, status=status), "get").kind is kind


def test_two_meanings_of_not_found() -> None:
    """A secret that is not there and one without a value are both NotFound, and the hint distinguishes them."""
    missing = explain(answered("ResourceNotFoundException", "Secrets Manager can't find the specified secret."), "get")
    bare = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"

    assert (missing.kind, missing.hint) == (NotFound, "")
    assert explain(answered("ResourceNotFoundException", bare), "get").hint == "it is there and has no current value"


@pytest.mark.parametrize(
    "message",
    [
        "You can't perform this operation on the secret because it was marked for deletion.",
        "You can't perform this operation on the secret because it was deleted.",
        "You tried to                 perform the operation on a secret that's currently marked deleted.",
        "You can't perform this operation on the secret because it was already scheduled for deletion.",
    ],
)
def test_two_meanings_of_invalid_request(message: str) -> None:
    """A deleted secret is NotFound, one that another service manages is Denied, one being destroyed a Conflict."""
    assert explain(answered("InvalidRequestException", message), "get").kind is NotFound
    assert explain(answered("InvalidRequestException", "You can't delete a managed secret."), "get").kind is Denied
    assert explain(answered("InvalidRequestException", message, op="CreateSecret"), "put").kind is Conflict


def test_a_version_that_is_not_there() -> None:
    """The hint says that the version is missing."""
    message = "Secrets Manager can't find the specified secret value for VersionId: 5a1d2c3b"

    assert explain(answered("ResourceNotFoundException", message), "get").hint == "there is no such version"


def test_the_reason() -> None:
    """AWS's own code and message, or botocore's own message, are the reason; no hint repeats them."""
    refused = explain(answered("AccessDeniedException", "User: app is not authorized"), "get")
    sign_in = explain(answered("InvalidClientTokenId", "The token is invalid.", op="AssumeRole"), "get")
    unreachable = explain(EndpointConnectionError(endpoint_url="https://localhost"), "get")

    assert (refused.reason_code, refused.reason) == ("AccessDeniedException", "User: app is not authorized")
    assert (sign_in.reason_code, sign_in.reason) == ("InvalidClientTokenId", "The token is invalid.")
    assert unreachable.reason == 'Could not connect to the endpoint URL: "https://localhost"'
    assert all(problem.reason not in problem.hint for problem in (refused, sign_in, unreachable))


def test_names_of_classes() -> None:
    """The classes are named by text, since an older botocore lacks some; each is a class of botocore."""
    elsewhere = {"Boto3Error", "ResponseParserError", "UndefinedModelAttributeError", "UnicodeDecodeError"}
    elsewhere.add("LoginError")  # since botocore 1.41

    assert set(CLASSES) - elsewhere <= set(vars(botocore.exceptions))


@pytest.mark.parametrize("code", [*sorted(CODES), "BrandNewException", "400", "403"])
def test_a_write_is_never_quoted(code: str) -> None:
    """No hint repeats AWS's message about a write, which may quote the value."""
    for op in ("CreateSecret", "PutSecretValue"):
        assert CANARY not in explain(answered(code, f"refused: {CANARY}", op=op), "put").hint


def test_a_refused_parameter_is_never_quoted() -> None:
    """Botocore's own check of parameters prints the value; none of it is in the problem."""
    refused = ParamValidationError(report=f"Invalid type for parameter SecretString, value: {CANARY}")

    for op in ("put", "get"):
        assert explain(refused, op).kind is ConfigError
        assert CANARY not in repr(explain(refused, op))


def test_bytes_that_are_not_text_are_never_quoted() -> None:
    """An answer that cannot be decoded is Unavailable, and none of its bytes are in the problem."""
    problem = explain(UnicodeDecodeError("utf-8", CANARY.encode(), 0, 1, CANARY), "get")

    assert problem.kind is Unavailable
    assert CANARY not in repr(problem)


def test_a_service_that_signs_in() -> None:
    """A refusal of STS is Unauthenticated; an outage of STS is Unavailable."""
    assert explain(answered("AccessDenied", "no", op="AssumeRole"), "put").kind is Unauthenticated
    assert explain(answered("ValidationError", "no", op="AssumeRole"), "get").kind is Unauthenticated
    assert explain(answered("Throttling", op="AssumeRole"), "get").kind is Throttled
    assert explain(answered("InternalFailure", op="AssumeRole", status=500), "get").kind is Unavailable


def test_our_own_errors_and_unknown_ones() -> None:
    """A SecretsError keeps its kind and hint; an unknown exception is a plain SecretsError."""
    problem = explain(NotFound(hint="a hint"), "get")

    assert (problem.kind, problem.hint) == (NotFound, "a hint")
    assert explain(ZeroDivisionError(), "get").kind is SecretsError
    assert explain(ResponseParserError("half"), "get").kind is Unavailable


def test_hints_are_one_line() -> None:
    """A hint about settings is one line, also where the exception's text is long."""

    class Long(BotoCoreError):
        fmt = "first line\n  second line " + 1_000 * "x"

    assert "BotoCoreError" in CLASSES
    assert "\n" not in explain(Long(), "get").hint
    assert len(explain(Long(), "get").hint) < 500
