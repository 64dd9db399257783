"""The options of gcp: URLs, the errors for wrong ones, the meaning of exceptions, and the printed policy."""

from typing import Any, Literal

import google.api_core.exceptions
import google.auth.exceptions
import pytest

from tailorsecrets.driver import Target
from tailorsecrets.errors import ConfigError, SecretsError, Throttled, Unauthenticated, Unavailable
from tailorsecrets.store.names import Naming
from tailorsecrets.targets.opening import open_store
from tailorsecrets_gcp import tailorsecrets_stores
from tailorsecrets_gcp.errors import MEANINGS, explain
from tailorsecrets_gcp.options import Options, read_options

api: Any = google.api_core.exceptions
auth: Any = google.auth.exceptions
KEY = "projects/p/locations/l/keyRings/r/cryptoKeys/k"


def read(host: str = "my-project", path: str = "", environ: dict[str, str] | None = None, **options: str) -> Options:
    """Return what a URL says."""
    target = Target(url="", scheme="gcp", host=host, path=path, options=options, environ=environ or {})
    return read_options(target)


def test_the_project() -> None:
    """The project is the URL's, else that of the environment; also one of a domain."""
    assert read().parent == "projects/my-project"
    assert read("", environ={"GOOGLE_CLOUD_PROJECT": "other"}).project == "other"
    assert read("example.com:old").project == "example.com:old"
    assert read(location="europe-west3").parent == "projects/my-project/locations/europe-west3"


def test_where_it_answers() -> None:
    """The service is global or of a region; one on this machine is called without TLS."""
    assert (read().host, read().plain) == ("secretmanager.googleapis.com", False)
    assert read(location="europe-west3").host == "secretmanager.europe-west3.rep.googleapis.com"
    for local in ("127.0.0.1:80", "localhost:80", "[::1]:80", "localhost"):
        assert read(endpoint=local).plain
    for remote in ("example.com:443", "localhost.example.com", "1.2.3.4:80"):
        assert not read(endpoint=remote).plain


@pytest.mark.parametrize(
    "url",
    [
        "gcp://",
        "gcp://my_project",
        "gcp://My-Project",
        f"gcp://p/{'x' * 64}",
        "gcp://p/a.b",
        "gcp://p?location=Europe",
        "gcp://p?locations=europe-west1,,x",
        "gcp://p?location=europe-west1&locations=europe-west1",
        "gcp://p?kms_key=my-key",
        f"gcp://p?locations=europe-west1,europe-west3&kms_key={KEY}",
        "gcp://p?labels=Team=a",
        "gcp://p?labels=team",
        "gcp://p?keep_versions=0",
        "gcp://p?keep_versions=many",
        "gcp://p?impersonate=me",
        "gcp://p?endpoint=http://example.com",
        "gcp://p?quota_project=A",
        "gcp://p?plan=list",
        "gcp://p?plan=",
        "gcp://p?region=x",
        "gcp://user:password@p",
    ],
)
def test_bad_urls(url: str) -> None:
    """A mistake in a URL is reported in one line when the store is opened, without a call."""
    with pytest.raises(ConfigError) as caught:
        open_store(url, environ={})
    assert "\n" not in str(caught.value)
    assert "password" not in str(caught.value)


def test_a_missing_project_names_the_remedy() -> None:
    """Without a project both ways to give one are named."""
    with pytest.raises(ConfigError) as caught:
        open_store("gcp://", environ={})
    assert caught.value.hint == "write gcp://PROJECT, or set GOOGLE_CLOUD_PROJECT"


def test_options_are_explained() -> None:
    """Each option has a line of help, and an unknown one names them all."""
    (kind,) = tailorsecrets_stores()
    assert all(kind.options.values())
    with pytest.raises(ConfigError) as caught:
        open_store("gcp://p?color=red", environ={})
    assert all(option in caught.value.hint for option in kind.options)


def test_each_meaning_is_of_a_class_that_is_there() -> None:
    """Classes below a class with a meaning have it too, unless they have another."""
    assert explain(api.DeadlineExceeded("x"), "get").kind is Unavailable
    assert explain(api.BadGateway("x"), "get").kind is Unavailable
    assert explain(api.LengthRequired("x"), "get").kind is ConfigError
    assert explain(auth.ReauthSamlChallengeFailError("x"), "get").kind is Unauthenticated
    assert all(problem.kind is not SecretsError for problem in MEANINGS.values())


def test_spent_retries_have_the_meaning_of_the_last_answer() -> None:
    """A RetryError means what its cause means."""
    assert explain(api.RetryError("spent", api.ResourceExhausted("x")), "put").kind is Throttled
    assert explain(api.RetryError("spent", api.ServiceUnavailable("x")), "put").kind is Unavailable


def test_a_login_that_fails_inside_of_grpc() -> None:
    """A call that gRPC reports as unavailable because it got no token is a failed login."""
    text = "Getting metadata from plugin failed with error: ('invalid_grant: Bad Request', {})"
    assert explain(api.ServiceUnavailable(text), "get").kind is Unauthenticated


def test_a_login_that_may_work_later() -> None:
    """A refresh that google.auth calls retryable is Unavailable; another one is Unauthenticated."""
    assert explain(auth.RefreshError("x", retryable=True), "get").kind is Unavailable
    assert explain(auth.RefreshError("x"), "get").kind is Unauthenticated


def test_no_hint_quotes_an_exception() -> None:
    """A hint never has the words of an exception, which might be those of a write."""
    for kind in MEANINGS:
        make: Any = kind
        assert "canary" not in explain(make("canary"), "put").hint


NAMING = Naming("default", joiner="_", max_name=255)


def policy(use: str, **options: str) -> str:
    """Return the policy for one vault."""
    (kind,) = tailorsecrets_stores()
    assert kind.policy
    target = Target(url="", scheme="gcp", host="my-project", options=options)
    return kind.policy(target, [NAMING.vault_names("api-keys")], "read" if use == "read" else "deploy")


@pytest.mark.parametrize("use", ["read", "deploy"])
def test_the_policy_of_many_vaults(use: Literal["read", "deploy"]) -> None:
    """No condition has more than the twelve logical operators that Google takes, and no name is left out."""
    vaults = [NAMING.vault_names(f"vault{number}") for number in range(20)]
    names = [name for vault in vaults for name in (vault.secrets, vault.record)]
    (kind,) = tailorsecrets_stores()
    assert kind.policy
    text = kind.policy(Target(url="", scheme="gcp", host="my-project"), vaults, use)
    conditions = [line for line in text.splitlines() if "--condition=" in line]
    assert max(condition.count("||") for condition in conditions) <= 12
    titles = [condition.partition("title=")[2].partition(",")[0] for condition in conditions if "title=" in condition]
    assert len(titles) == len(set(titles))
    assert all(f"secrets/{name}'" in text for name in names if name.endswith("_") or use == "deploy")


def test_the_policy_of_a_reader() -> None:
    """A reader gets the accessor's role below the beginnings, and no record, list or write."""
    text = policy("read")
    assert "--role=roles/secretmanager.secretAccessor" in text
    assert "resource.name.startsWith('projects/$NUMBER/secrets/default_api-keys_')" in text
    assert "default_v_" not in text
    assert "roles create" not in text


def test_the_policy_of_a_deployer() -> None:
    """A deployer lists and creates in the project, writes below the names, and accesses the records alone."""
    text = policy("deploy", location="europe-west3", keep_versions="2")
    head, *grants = text.split("\ngcloud ")
    assert "projectNumber" in head
    assert [grant for grant in grants if "secretAccessor" in grant and "default_api-keys_" in grant] == []
    (records,) = [grant for grant in grants if "secretAccessor" in grant]
    assert "resource.name.startsWith('projects/$NUMBER/locations/europe-west3/secrets/default_v_')" in records
    assert "secretmanager.secrets.list" in text
    assert "secretmanager.versions.destroy" in text
    assert "versions.access" not in text
    assert "versions.destroy" not in policy("deploy")


def test_the_policy_of_a_deployer_who_plans_by_access() -> None:
    """With plan=access a deployer may access the values too, and the policy says so."""
    head, *grants = policy("deploy", plan="access").split("\ngcloud ")
    (values,) = [grant for grant in grants if "secretAccessor" in grant and "default_v_" not in grant]
    assert "resource.name.startsWith('projects/$NUMBER/secrets/default_api-keys_')" in values
    assert "with plan=access the secrets' values" in head
    assert policy("read", plan="access") == policy("read")
