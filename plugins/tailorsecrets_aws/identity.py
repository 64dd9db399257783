"""Who is signed in, as AWS's Security Token Service says."""

from typing import Any
from urllib.parse import urlsplit

from tailorsecrets.driver import Identity, Target
from tailorsecrets_aws.client import handed_endpoint
from tailorsecrets_aws.login import Login, open_session
from tailorsecrets_aws.retry import client_config, operation

_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def identity_at(target: Target) -> Identity:
    """Return the ARN of the login, and the end of its keys. AWS allows this call to every valid login."""
    session = open_session(target)
    login = Login(session, target)
    client: Any = session.create_client(
        "sts",
        endpoint_url=_endpoint(target),
        verify=target.file("ca_bundle") or None,
        config=client_config(target.timeout, attempts=1),
    )
    try:
        with operation(target.seconds()):
            arn = str(client.get_caller_identity()["Arn"])
    finally:
        client.close()
    until, renews = login.end()
    return Identity(arn, until, renews)


def _endpoint(target: Target) -> str | None:
    """Return the local server of the option ``endpoint_url``, which has all services, else the one in the variables."""
    url = target.options.get("endpoint_url", "")
    is_aws = (urlsplit(url).hostname or "").endswith(_AWS)  # the endpoint of Secrets Manager in a private network
    return url if url and not is_aws else handed_endpoint(target, "STS")
