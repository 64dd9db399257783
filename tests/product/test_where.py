"""``where`` on every store: each format is read by the field's own parser, and its name reads the secret.

The secret is read as another tool does: by the raw SDK, with the names in the snippet and nothing else.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session
import hcl2
import pytest
import yaml
from azure.keyvault.secrets import KeyVaultSecretIdentifier
from botocore.validate import ParamValidator

from tests.support.manifests import documents, mounted
from tests.support.product.backend import Backend
from tests.support.product.backends import BACKENDS, Start
from tests.support.shell import Shell

FORMATS = {
    "memory": (),
    "file": (),
    "openbao-mounts": ("eso", "csi", "vault-agent", "terraform"),
    "openbao-folders": ("eso", "csi", "vault-agent", "terraform"),
    "aws": ("arn", "ecs", "eso", "csi", "terraform"),
    "aws-localstack": ("arn", "ecs", "eso", "csi", "terraform"),
    "gcp": ("eso", "csi", "cloudrun", "terraform"),
    "azure": ("eso", "csi", "appservice", "terraform"),
}
ALL = ("native", "arn", "ecs", "eso", "csi", "cloudrun", "appservice", "vault-agent", "terraform")
ASKS = {
    *(("openbao-folders", form) for form in FORMATS["openbao-folders"]),  # for the mount, which the path does not tell
    *((store, form) for store in ("aws", "aws-localstack") for form in ("arn", "ecs")),
}
NAME = "api-keys/stripe-key"
VALUE = "sk_live_1"
CASES = [(store, form) for store, forms in FORMATS.items() for form in ("native", *forms)]


@pytest.fixture
def opened(tmp_path: Path, servers: Start, request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Give the store of the test's parameter, with one secret."""
    with BACKENDS[request.getfixturevalue("backend_name")](tmp_path, servers) as backend:
        with backend.store() as store:
            store.create_vault("api-keys")
            store.create_secret("api-keys", "stripe-key", VALUE)
        yield backend


@pytest.fixture
def line(opened: Backend) -> Shell:
    """Return a command line that uses the store."""
    folder = opened.folder / "app"
    folder.mkdir()
    return Shell(folder).having(opened.variables)


@pytest.mark.parametrize(("backend_name", "form"), CASES)
def test_a_name_that_reads(opened: Backend, line: Shell, servers: Start, backend_name: str, form: str) -> None:
    """The snippet parses, and the name in it reads the secret through the raw SDK; it costs a call at most."""
    before = len(opened.arrived())
    done = line("where", NAME, "--format", form)
    assert (done.code, done.err) == (0, "")
    calls, sdk = opened.since(before), backend_name.partition("-")[0]
    assert [call.kind for call in calls] == (["look"] if (backend_name, form) in ASKS else [])
    assert VALUE not in done.out
    read = partial(vault_agent_openbao, start=servers) if form == "vault-agent" else reader(form, sdk)
    assert read(done.out, opened) == VALUE


@pytest.mark.parametrize("backend_name", FORMATS)
def test_a_format_that_the_store_does_not_have(opened: Backend, line: Shell, backend_name: str) -> None:
    """The error lists the formats that the store has."""
    offered = ("native", *FORMATS[backend_name])
    for form in set(ALL) - set(offered):
        done = line("where", NAME, "--format", form, "--json")
        assert done.code == 1
        assert done.error["code"] == "UNSUPPORTED"
        assert f"has {', '.join(offered)}" in done.error["suggestion"]


def reader(form: str, sdk: str) -> Callable[[str, Backend], str]:
    """Return what parses the format *form* and reads the secret that it names."""
    if form == "native":
        return lambda text, backend: backend.backdoor.read(text.removesuffix("\n"))
    read: Callable[[str, Backend], str] = globals()[f"{form}_{sdk}"]
    return read


def raw(backend: Backend) -> Any:
    """Return the SDK's own client."""
    backdoor: Any = backend.backdoor
    return backdoor.client if hasattr(backdoor, "client") else backdoor._raw


def kv(backend: Backend, mount: str, path: str, field: str) -> str:
    """Read a field with hvac."""
    read = raw(backend).secrets.kv.v2.read_secret_version
    return str(read(path, mount_point=mount, raise_on_deleted_version=True)["data"]["data"][field])


def manifests(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the provider of the SecretStore, and where the ExternalSecret finds the value."""
    store, secret = documents(text)
    assert secret["spec"]["secretStoreRef"] == {"name": store["metadata"]["name"], "kind": "SecretStore"}
    return store["spec"]["provider"], secret["spec"]["data"][0]["remoteRef"]


def block(text: str, kind: str) -> dict[str, Any]:
    """Return the block of Terraform that gives the value, whose attributes have no quotes."""
    (found,) = hcl2.loads(text)[kind]
    ((_, labelled),) = found.items()
    ((label, attributes),) = labelled.items()
    assert label.strip('"') == "api_keys_stripe_key"
    return {name: str(value).strip('"') for name, value in attributes.items()}


def arn_aws(text: str, backend: Backend) -> str:
    """Read by ARN."""
    arn = text.removesuffix("\n")
    assert arn.startswith("arn:aws:secretsmanager:eu-west-1:")
    return str(raw(backend).get_secret_value(SecretId=arn)["SecretString"])


def ecs_aws(text: str, backend: Backend) -> str:
    """Check the object against the model of ECS in botocore, and read by its ARN."""
    secret = json.loads(text)
    model: Any = botocore.session.get_session().get_service_model("ecs").shape_for("Secret")
    assert set(secret) == set(model.members)
    assert not ParamValidator().validate(secret, model).has_errors()
    assert secret["name"] == "API_KEYS_STRIPE_KEY"
    return arn_aws(secret["valueFrom"] + "\n", backend)


def eso_aws(text: str, backend: Backend) -> str:
    """Read by the key."""
    provider, remote = manifests(text)
    assert provider == {"aws": {"service": "SecretsManager", "region": "eu-west-1"}}
    return str(raw(backend).get_secret_value(SecretId=remote["key"])["SecretString"])


def csi_aws(text: str, backend: Backend) -> str:
    """Read by the name of the object."""
    (document,) = documents(text)
    found = mounted(document)
    assert (found["objectType"], found["objectAlias"]) == ("secretsmanager", "stripe-key")
    return str(raw(backend).get_secret_value(SecretId=found["objectName"])["SecretString"])


def terraform_aws(text: str, backend: Backend) -> str:
    """Read by the id of the secret."""
    return str(raw(backend).get_secret_value(SecretId=block(text, "ephemeral")["secret_id"])["SecretString"])


def eso_openbao(text: str, backend: Backend) -> str:
    """Read by mount, key and property."""
    provider, remote = manifests(text)
    vault = provider["vault"]
    assert (vault["server"], vault["version"]) == (backend.url.split("?")[0].replace("vault+", "")[:22], "v2")
    return kv(backend, vault["path"], remote["key"], remote["property"])


def csi_openbao(text: str, backend: Backend) -> str:
    """Read the path of the API, as the provider does."""
    (document,) = documents(text)
    found = mounted(document)
    return str(raw(backend).adapter.get(f"/v1/{found['secretPath']}")["data"]["data"][found["secretKey"]])


def terraform_openbao(text: str, backend: Backend) -> str:
    """Read by mount and name."""
    attributes = block(text, "ephemeral")
    return kv(backend, attributes["mount"], attributes["name"], "value")


def vault_agent_openbao(text: str, backend: Backend, start: Start) -> str:
    """Let OpenBao's own agent render the template, into another folder."""
    (template,) = hcl2.loads(text)["template"]
    assert str(template["destination"]).strip('"') == "/run/secrets/api-keys-stripe-key"
    token, rendered = backend.folder / "token", backend.folder / "rendered"
    token.write_text(backend.environ["VAULT_TOKEN"])
    config = backend.folder / "agent.hcl"
    config.write_text(
        text.replace("/run/secrets/api-keys-stripe-key", str(rendered))
        + f"""
exit_after_auth = true
vault {{ address = "{raw(backend).url}" }}
auto_auth {{ method {{
  type = "token_file"
  config = {{ token_file_path = "{token}" }}
}} }}
"""
    )
    command = [str(start("openbao").bin / "bao"), "agent", f"-config={config}", "-log-level=error"]
    subprocess.run(command, check=True, capture_output=True, timeout=60, env={"HOME": str(backend.folder)})
    assert rendered.stat().st_mode & 0o777 == 0o600
    return rendered.read_text()


def access(backend: Backend, project: str, name: str, version: str) -> str:
    """Read with Google's SDK."""
    return access_by(backend, f"projects/{project}/secrets/{name}/versions/{version}")


def access_by(backend: Backend, resource: str) -> str:
    """Read with Google's SDK."""
    return str(raw(backend).access_secret_version(name=resource).payload.data.decode())


def eso_gcp(text: str, backend: Backend) -> str:
    """Read by project and key."""
    provider, remote = manifests(text)
    return access(backend, provider["gcpsm"]["projectID"], remote["key"], "latest")


def csi_gcp(text: str, backend: Backend) -> str:
    """Read by the name of the resource."""
    (document,) = documents(text)
    return access_by(backend, mounted(document)["resourceName"])


def cloudrun_gcp(text: str, backend: Backend) -> str:
    """Read by name and version in the project of the service."""
    (variable,) = yaml.safe_load(text)["env"]
    assert variable["name"] == "API_KEYS_STRIPE_KEY"
    reference = variable["valueFrom"]["secretKeyRef"]
    assert set(reference) == {"name", "key"}
    return access(backend, "my-project", reference["name"], reference["key"])


def terraform_gcp(text: str, backend: Backend) -> str:
    """Read by project, secret and version."""
    attributes = block(text, "ephemeral")
    return access(backend, attributes["project"], attributes["secret"], attributes["version"])


def eso_azure(text: str, backend: Backend) -> str:
    """Read by the key at the URL of the vault."""
    provider, remote = manifests(text)
    assert provider["azurekv"]["vaultUrl"] == raw(backend).vault_url
    return str(raw(backend).get_secret(remote["key"]).value)


def csi_azure(text: str, backend: Backend) -> str:
    """Read by the name of the object."""
    (document,) = documents(text)
    assert document["spec"]["parameters"]["keyvaultName"] == "localhost"
    return str(raw(backend).get_secret(mounted(document)["objectName"]).value)


def appservice_azure(text: str, backend: Backend) -> str:
    """Read by the SDK's own parts of the URI."""
    head, _, uri = text.strip().removesuffix(")").partition("=")
    assert head == "@Microsoft.KeyVault(SecretUri"
    parts = KeyVaultSecretIdentifier(uri)
    assert parts.vault_url == raw(backend).vault_url
    return str(raw(backend).get_secret(parts.name, parts.version).value)


def terraform_azure(text: str, backend: Backend) -> str:
    """Read by name in the Key Vault of the data source."""
    attributes = block(text, "ephemeral")
    assert attributes["key_vault_id"] == "${data.azurerm_key_vault.this.id}"
    (vault,) = hcl2.loads(text)["data"]
    assert "localhost" in str(vault)
    return str(raw(backend).get_secret(attributes["name"]).value)
