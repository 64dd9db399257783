"""Manifests of Kubernetes as their readers see them: parsed by PyYAML, checked by the schemas of their kinds.

``kubernetes/external_secrets_v1.json`` has the schemas of SecretStore and ExternalSecret in version v1, from the custom
resource definitions of the External Secrets Operator 0.16.2 (Apache-2.0), without descriptions, and with the four
providers that tailorsecrets has. No field but theirs is allowed. The schema of a SecretProviderClass is the one of the
Secrets Store CSI driver, and its ``parameters`` have the keys that each provider reads.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

import jsonschema
import yaml

_SCHEMAS: Final = json.loads((Path(__file__).parent / "kubernetes" / "external_secrets_v1.json").read_text())
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+")
_PARAMETERS: Final = {
    "aws": ({"region", "objects"}, set[str]()),
    "azure": ({"keyvaultName", "tenantId", "objects"}, {"cloudName", "clientID"}),
    "gcp": ({"secrets"}, set[str]()),
    "vault": ({"vaultAddress", "roleName", "objects"}, {"vaultNamespace"}),
}  # provider -> the keys that it needs, and others that it reads
_OBJECT: Final = {
    "aws": {"objectName", "objectType", "objectAlias"},
    "azure": {"objectName", "objectType", "objectAlias"},
    "gcp": {"resourceName", "path"},
    "vault": {"objectName", "secretPath", "secretKey"},
}


def documents(text: str) -> list[dict[str, Any]]:
    """Return the manifests in *text*, each checked against its kind."""
    found: list[dict[str, Any]] = list(yaml.safe_load_all(text))
    for document in found:
        _check(document)
    return found


def mounted(document: dict[str, Any]) -> dict[str, str]:
    """Return the one secret that a SecretProviderClass mounts, as its provider reads its parameters."""
    provider, parameters = document["spec"]["provider"], document["spec"]["parameters"]
    objects: Any = yaml.safe_load(parameters["secrets" if provider == "gcp" else "objects"])
    if provider == "azure":
        objects = [yaml.safe_load(each) for each in objects["array"]]
    (only,) = objects
    assert set(only) == _OBJECT[provider]
    assert all(isinstance(text, str) for text in only.values())
    return dict(only)


def _check(document: dict[str, Any]) -> None:
    assert set(document) == {"apiVersion", "kind", "metadata", "spec"}
    assert _NAME.fullmatch(document["metadata"]["name"])
    match document["apiVersion"], document["kind"]:
        case "external-secrets.io/v1", ("SecretStore" | "ExternalSecret") as kind:
            jsonschema.validate(document["spec"], _SCHEMAS[kind])
            assert all(_KEY.fullmatch(each["secretKey"]) for each in document["spec"].get("data", []))
        case "secrets-store.csi.x-k8s.io/v1", "SecretProviderClass":
            provider, parameters = document["spec"]["provider"], document["spec"]["parameters"]
            needed, others = _PARAMETERS[provider]
            assert needed <= set(parameters) <= needed | others
            assert all(isinstance(text, str) for text in parameters.values())
        case other:
            raise AssertionError(other)
