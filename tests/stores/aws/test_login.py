"""Regions, options, and each way to sign in that botocore has."""

import json
import logging
import os
import ssl
import stat
import sys
import traceback
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from botocore.session import Session

from tailorsecrets import open_store
from tailorsecrets.driver import PRESENT, Target
from tailorsecrets.errors import ConfigError, Unauthenticated
from tailorsecrets.secret import Secret
from tailorsecrets.testing.conformance.suite import refused
from tailorsecrets.testing.web_server import Handler, WebServer
from tailorsecrets_aws.driver import AwsDriver
from tailorsecrets_aws.login import open_session
from tests.support.aws.backdoor import Aws, aws_before
from tests.support.aws.wire import EXPIRED
from tests.support.servers import Server

ROLE = "arn:aws:iam::123456789012:role/deployer"
NAME = "signin/v/key"


@pytest.fixture
def aws(moto: Server) -> Iterator[Aws]:
    """Give the wire before moto, with one secret."""
    aws = aws_before(moto)
    driver = aws.open()
    driver.put(NAME, Secret("value"))
    driver.close()
    aws.wire.forget()
    yield aws
    aws.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home without any login, in an environment without any."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / ".aws").mkdir()
    return tmp_path


def target(aws: Aws | None, environ: Mapping[str, str] = os.environ, **options: str) -> Target:
    """Return a target in eu-west-1 with the login that *environ* has."""
    known = {"endpoint_url": aws.wire.address, **options} if aws else options
    return Target(url="aws://eu-west-1", scheme="aws", host="eu-west-1", options=known, environ=environ, timeout=3.0)


def login(aws: Aws, target: Target) -> str:
    """Read the secret and return the access key that the call was signed with."""
    driver = AwsDriver(target)
    assert driver.get(NAME).value == Secret("value")
    driver.close()
    return aws.wire.arrived[-1].login


def config(home: Path, text: str) -> None:
    """Write ~/.aws/config."""
    (home / ".aws" / "config").write_text(text)


def test_keys_of_the_environment(aws: Aws, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and session token are taken from the environment of the process."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of the session")

    assert login(aws, target(aws)) == "AKIAENV"
    assert aws.wire.arrived[-1].headers["X-Amz-Security-Token"] == "of the session"


def test_keys_of_another_environment(aws: Aws, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target's environment overrides that of the process, and may name files and a profile."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAPROCESS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    (home / "keys").write_text("[theirs]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s\n")
    keys = {"AWS_ACCESS_KEY_ID": "AKIAHANDED", "AWS_SECRET_ACCESS_KEY": "s"}
    files = {"AWS_SHARED_CREDENTIALS_FILE": str(home / "keys"), "AWS_PROFILE": "theirs"}

    assert login(aws, target(aws, keys)) == "AKIAHANDED"
    assert login(aws, target(aws, files)) == "AKIAFILE"
    assert login(aws, target(aws, dict(os.environ))) == "AKIAPROCESS"


def test_the_endpoint_of_the_environment(aws: Aws, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_ENDPOINT_URL and the service's own name the server, in either environment; the option overrides them."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIAHANDED", "AWS_SECRET_ACCESS_KEY": "s"}
    elsewhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    for name, text in (keys | elsewhere).items():
        monkeypatch.setenv(name, text)
    assert login(aws, target(aws)) == "AKIAHANDED"

    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws.wire.address)
    assert login(aws, target(None)) == "AKIAHANDED"
    handed = keys | elsewhere | {"AWS_ENDPOINT_URL_SECRETS_MANAGER": aws.wire.address, "AWS_PAGER": ""}
    assert login(aws, target(None, handed)) == "AKIAHANDED"


def test_profiles(aws: Aws, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile option overrides AWS_PROFILE, which overrides the default profile."""
    keys = "[{0}]\naws_access_key_id = AKIA{0}\naws_secret_access_key = s\n"
    (home / ".aws" / "credentials").write_text("".join(keys.format(name) for name in ("default", "one", "two")))

    assert login(aws, target(aws)) == "AKIAdefault"
    monkeypatch.setenv("AWS_PROFILE", "one")
    assert login(aws, target(aws)) == "AKIAone"
    assert login(aws, target(aws, profile="two")) == "AKIAtwo"


def test_a_program_that_signs_in(aws: Aws, home: Path) -> None:
    """The credential_process of a profile is run."""
    program = home / "sign-in"
    keys = {"Version": 1, "AccessKeyId": "AKIAPROGRAM", "SecretAccessKey": "s"}
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(keys)!r})\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    config(home, f"[default]\ncredential_process = {program}\n")

    assert login(aws, target(aws)) == "AKIAPROGRAM"


class _Metadata(Handler):
    """Answers as the metadata services of a container and of a machine do."""

    keys = json.dumps(
        {
            "Code": "Success",
            "AccessKeyId": "AKIA{}",
            "SecretAccessKey": "s",
            "Token": "t",
            "Expiration": "2099-01-01T00:00:00Z",
        }
    )
    refusal = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"

    def respond(self) -> None:
        """Refuse a POST, as STS does; answer a PUT with a token, and a GET with keys."""
        self.body()
        known = {
            "/container": self.keys.replace("{}", "CONTAINER"),
            "/latest/meta-data/iam/security-credentials/": "role",
        }
        answers = {"PUT": "a token", "POST": self.refusal}
        text = answers.get(self.command) or known.get(self.path, self.keys.replace("{}", "MACHINE"))
        self.answer(403 if self.command == "POST" else 200, text.encode(), {})


@pytest.fixture
def metadata() -> Iterator[str]:
    """Give the address of the metadata services."""
    server = WebServer(_Metadata)
    yield f"http://127.0.0.1:{server.server_port}"
    server.close()


def test_the_role_of_a_container(aws: Aws, home: Path, metadata: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In ECS and EKS the container's own service gives the login."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{metadata}/container")

    assert login(aws, target(aws)) == "AKIACONTAINER"


def test_the_role_of_a_machine(aws: Aws, home: Path, metadata: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On EC2 the machine's own service gives the login."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata)

    assert login(aws, target(aws)) == "AKIAMACHINE"


@pytest.fixture
def sts(moto: Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto be STS, and a user sign in with long-lived keys."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)
    (home / ".aws" / "credentials").write_text("[default]\naws_access_key_id = AKIAUSER\naws_secret_access_key = s\n")


@pytest.mark.usefixtures("sts")
def test_a_role_on_top_of_the_login(aws: Aws) -> None:
    """role_arn assumes the role with the login of the chain, once, at the first call."""
    driver = AwsDriver(target(aws, role_arn=ROLE, external_id="of-the-partner", session_name="deploy-42"))
    for _ in range(2):
        driver.get(NAME)
    driver.close()

    first, second = (call.login for call in aws.wire.arrived)
    assert first == second
    assert first.startswith("ASIA")


@pytest.mark.usefixtures("sts")
def test_who_is_signed_in(aws: Aws) -> None:
    """STS names the role that was assumed, and its keys end and are renewed; a user's own keys have no end."""
    driver = AwsDriver(target(aws, role_arn=ROLE, session_name="deploy-42"))
    role = driver.identity()
    driver.close()
    user = AwsDriver(target(aws)).identity()

    assert role.name.endswith("/deploy-42")
    assert role.until is not None
    assert role.until.tzinfo is not None
    assert (role.renews, user.until, user.renews) == (True, None, False)
    assert user.name.startswith("arn:aws:")
    assert [call.op for call in aws.wire.arrived] == ["GetCallerIdentity"] * 2


@pytest.mark.usefixtures("sts")
def test_a_role_of_a_profile(aws: Aws, home: Path) -> None:
    """A profile with role_arn and source_profile assumes its role."""
    config(home, f"[profile deploy]\nrole_arn = {ROLE}\nsource_profile = default\n")

    assert login(aws, target(aws, profile="deploy")).startswith("ASIA")


@pytest.mark.usefixtures("sts")
def test_a_web_identity(aws: Aws, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token file and a role, as in EKS and CI, sign in."""
    (home / ".aws" / "credentials").unlink()
    (home / "token").write_text("header.e30.signature")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(home / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)

    assert login(aws, target(aws)).startswith("ASIA")


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("with_role", [False, True])
def test_no_login(aws: Aws, with_role: bool) -> None:
    """Without any login a call is Unauthenticated, and the hint says how to sign in; nothing is sent."""
    driver = AwsDriver(target(aws, role_arn=ROLE) if with_role else target(aws))
    with pytest.raises(Exception, match="credentials") as caught:
        driver.get(NAME)
    problem = driver.explain(caught.value, "get")
    assert problem.kind is Unauthenticated
    assert "aws sso login" in problem.hint
    assert aws.wire.arrived == []
    driver.close()


@pytest.mark.usefixtures("sts")
def test_a_role_that_cannot_be_assumed(aws: Aws, metadata: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A role that STS refuses is Unauthenticated and names the call; no call for the secret is sent."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", metadata)
    driver = AwsDriver(target(aws, role_arn=ROLE))

    with pytest.raises(Exception, match="AssumeRole") as caught:
        driver.get(NAME)
    problem = driver.explain(caught.value, "get")
    assert problem.kind is Unauthenticated
    assert "AssumeRole" in problem.hint
    assert aws.wire.arrived == []
    driver.close()


def test_a_login_that_another_tool_renews(aws: Aws, home: Path) -> None:
    """After a refused login the next call signs in again, so a renewed file needs no restart."""
    keys = "[default]\naws_access_key_id = AKIA{}\naws_secret_access_key = s\n"
    (home / ".aws" / "credentials").write_text(keys.format("OLD"))
    driver = AwsDriver(target(aws))
    aws.wire.fail(EXPIRED)
    with refused(driver, "get", Unauthenticated):
        driver.get(NAME)
    (home / ".aws" / "credentials").write_text(keys.format("NEW"))

    assert driver.get(NAME).value == Secret("value")
    assert [call.login for call in aws.wire.arrived] == ["AKIAOLD", "AKIANEW"]
    driver.close()


KEYS = "[default]\naws_access_key_id = AKIA{}\naws_secret_access_key = s\n"


def test_a_login_that_is_renewed_within_the_call(aws: Aws, home: Path) -> None:
    """A call whose keys have expired signs in again and is sent again, where there are other keys by then."""
    (home / ".aws" / "credentials").write_text(KEYS.format("OLD"))
    driver = AwsDriver(target(aws))
    driver.get(NAME)
    (home / ".aws" / "credentials").write_text(KEYS.format("NEW"))
    aws.wire.fail(EXPIRED)

    assert driver.get(NAME).value == Secret("value")
    assert [call.login for call in aws.wire.arrived] == ["AKIAOLD", "AKIAOLD", "AKIANEW"]
    driver.close()


def test_a_login_that_is_renewed_in_a_write(aws: Aws, home: Path) -> None:
    """A write is sent again too, with the same version id."""
    (home / ".aws" / "credentials").write_text(KEYS.format("OLD"))
    driver = AwsDriver(target(aws))
    driver.get(NAME)
    (home / ".aws" / "credentials").write_text(KEYS.format("NEW"))
    aws.wire.fail(EXPIRED)
    aws.wire.forget()

    written = driver.put(NAME, Secret("new"), expect=PRESENT)

    assert [call.facts["ClientRequestToken"] for call in aws.wire.arrived] == [written.version] * 2
    driver.close()


def test_a_login_that_threads_renew(aws: Aws, home: Path) -> None:
    """Threads whose keys expire together all go on with the new ones."""
    (home / ".aws" / "credentials").write_text(KEYS.format("OLD"))
    driver = AwsDriver(target(aws))
    driver.get(NAME)
    (home / ".aws" / "credentials").write_text(KEYS.format("NEW"))
    aws.wire.fail(lambda call, do: EXPIRED if call.login == "AKIAOLD" else do(call), times=float("inf"))

    with ThreadPoolExecutor(8) as threads:
        assert [stored.value for stored in threads.map(driver.get, [NAME] * 32)] == [Secret("value")] * 32
    driver.close()


@pytest.mark.usefixtures("sts")
def test_a_role_that_is_assumed_again(aws: Aws) -> None:
    """Where the keys of an assumed role are refused, the role is assumed again within the call."""
    driver = AwsDriver(target(aws, role_arn=ROLE))
    aws.wire.fail(EXPIRED)

    assert driver.get(NAME).value == Secret("value")
    first, second = (call.login for call in aws.wire.arrived)
    assert first != second
    driver.close()


@pytest.mark.usefixtures("sts")
def test_a_role_on_top_of_the_keys_of_another_environment(aws: Aws) -> None:
    """The keys of the target's environment assume the role too."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIAHANDED", "AWS_SECRET_ACCESS_KEY": "s"}

    assert login(aws, target(aws, keys, role_arn=ROLE)).startswith("ASIA")


@pytest.mark.parametrize("file", ["config", "credentials"])
@pytest.mark.parametrize(
    "content",
    [b"canary = 1\n[default]\n", b"[default]\ncanary\n", b"[default]\nx = canary\xff\n"],
    ids=["headless", "no-value", "not-text"],
)
def test_a_broken_file(home: Path, file: str, content: bytes) -> None:
    """A file in ~/.aws that cannot be parsed is a ConfigError that names it and quotes nothing of it."""
    (home / ".aws" / file).write_bytes(content)

    with pytest.raises(ConfigError, match=f"aws/{file}") as caught:
        open_store("aws://eu-west-1")
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.usefixtures("home")
def test_a_setting_that_botocore_refuses(aws: Aws, home: Path) -> None:
    """A wrong value in ~/.aws/config is a ConfigError, also where botocore reads it only for a client."""
    config(home, "[default]\nmetadata_service_timeout = many\n")
    driver = AwsDriver(target(aws))

    with pytest.raises(ConfigError, match="many"):
        driver.get(NAME)


def test_one_session(aws: Aws, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening and the first call make one botocore session between them, and the calls after it none."""
    made = list[object]()

    class Counted(Session):
        def __init__(self, **options: Any) -> None:
            made.append(self)
            super().__init__(**options)

    monkeypatch.setattr("botocore.session.Session", Counted)
    monkeypatch.setattr("tailorsecrets_aws.login.Session", Counted)
    (home / ".aws" / "credentials").write_text(KEYS.format("ONE"))
    driver = AwsDriver(target(aws))
    for _ in range(2):
        driver.get(NAME)

    assert len(made) == 1
    driver.close()


REGIONS: list[tuple[str, dict[str, str], str]] = [
    ("eu-west-1", {"AWS_REGION": "eu-west-2"}, "eu-west-1"),
    ("", {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-2"),
    ("", {"AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-3"),
    ("", {}, "eu-central-1"),
]


@pytest.mark.parametrize(("host", "environ", "region"), REGIONS)
def test_regions(home: Path, host: str, environ: dict[str, str], region: str) -> None:
    """The region is the URL's, else AWS_REGION, else AWS_DEFAULT_REGION, else the profile's."""
    config(home, "[default]\nregion = eu-central-1\n")

    wanted = replace(target(None, environ), host=host)
    assert open_session(wanted).get_config_variable("region") == region


@pytest.mark.usefixtures("home")
def test_no_region() -> None:
    """Without a region, opening fails with one line and a hint."""
    with pytest.raises(ConfigError, match="names no region") as caught:
        open_store("aws://", environ={})
    assert caught.value.hint == "write aws://REGION or set AWS_REGION"


BAD = {
    "aws://eu-west-1?recovery_days=6": "7 to 30",
    "aws://eu-west-1?recovery_days=soon": "7 to 30",
    "aws://eu-west-1?tags=team": "team",
    "aws://eu-west-1?tags=aws:x=y": "aws:x",
    "aws://eu-west-1?tags=a=1,a=2": "each key once",
    "aws://eu-west-1?replicas=europe": "expected a region",
    "aws://eu-west-1?external_id=x1": "without role_arn",
    "aws://eu-west-1?role_arn=deployer": "role_arn=deployer",
    f"aws://eu-west-1?role_arn={ROLE}&session_name=a%20b": "session_name",
    f"aws://eu-west-1/{'x' * 321}": "too long",
    "aws://eu-west-1/a:b": "characters",
    "aws://eu-west-1?region=eu-west-2": "unknown option region",
    "aws://key:secret@eu-west-1": "credential",
    "aws://eu_west_1": "not a region",
    "aws://localhost:4566": "not a region",
    "aws://?profile=none": "none",
    "aws://eu-west-1?ca_bundle=none.pem": "none.pem",
    "aws://eu-west-1?profile=none": "none",
}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("url", BAD)
def test_bad_urls(url: str) -> None:
    """Opening a wrong URL raises one line that names the wrong part."""
    with pytest.raises(ConfigError, match=BAD[url]) as caught:
        open_store(url, environ={})
    assert "\n" not in str(caught.value)


def test_a_longest_prefix(aws: Aws) -> None:
    """The longest prefix leaves room for three names of 63 characters in AWS's 512."""
    driver = aws.open()
    name = "/".join(["p" * 320, "w" * 63, "v" * 63, "s" * 63])
    driver.put(name, Secret("value"))

    assert len(name) == 512
    assert driver.get(name).value == Secret("value")
    driver.close()


@pytest.fixture
def tls(aws: Aws, tmp_path: Path) -> tuple[str, Path]:
    """Give the wire behind TLS, and the file of the authority to trust."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    aws.wire._server.context = context
    return aws.wire.address.replace("http://127.0.0.1", "https://localhost"), tmp_path / "ca.pem"


def test_an_authority_of_ones_own(aws: Aws, tls: tuple[str, Path]) -> None:
    """ca_bundle names the authority to trust, also relative to the config; without it, the error names the option."""
    address, authority = tls
    environ = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"}
    trusting = target(None, environ, endpoint_url=address, ca_bundle=authority.name)
    assert login(aws, replace(trusting, base=str(authority.parent))) == "AKIA"
    assert login(aws, target(None, {**environ, "AWS_CA_BUNDLE": str(authority)}, endpoint_url=address)) == "AKIA"

    driver = AwsDriver(target(None, environ, endpoint_url=address))
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED") as caught:
        driver.get(NAME)
    problem = driver.explain(caught.value, "get")
    assert problem.kind is ConfigError
    assert "ca_bundle" in problem.hint
    driver.close()


def test_other_clients_log_as_before(aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    """Debug records of our calls are dropped, and those of the program's own clients are kept."""
    driver = aws.open()
    with caplog.at_level(logging.DEBUG):
        driver.get(NAME)
        ours = [record.name for record in caplog.records]
        caplog.clear()
        aws.raw.get_secret_value(SecretId=NAME)
        theirs = [record.name for record in caplog.records]

    with_values = {"botocore.endpoint", "botocore.parsers"}
    assert with_values.isdisjoint(ours)
    assert with_values <= set(theirs)
    driver.close()
