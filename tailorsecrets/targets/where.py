"""Where other tools find a secret: its place in a form to paste, without its value."""

from collections.abc import Mapping
from typing import Any, Final

from tailorsecrets.driver import ExternalSecret, Location, SecretProvider, StoreType
from tailorsecrets.errors import NameInvalid, SecretsError, Unsupported
from tailorsecrets.store.names import Place, checked_place
from tailorsecrets.store.store import workspace_of
from tailorsecrets.targets.opening import open_choice, parsed
from tailorsecrets.targets.routes import NativePlace, Routes
from tailorsecrets.targets.yaml import to_yaml

NATIVE: Final = "native"
_SIGN_IN: Final = "# provider: the place. How the operator signs in there is an example, or left out: see its docs.\n"


def parse_place(text: str) -> Place:
    """Return the place in *text*, ``VAULT/NAME``; NameInvalid for anything else."""
    vault, slash, secret = text.partition("/")
    if not slash:
        raise NameInvalid(f"{text!r} names no secret", hint="write VAULT/NAME, for example api-keys/stripe-key")
    return checked_place(vault, secret)


def where(routes: Routes, environ: Mapping[str, str], place: Place, form: str = NATIVE) -> str:
    """Return where *place* is, at the primary of its vault, as text in the format *form* with a newline at its end.

    ``native`` is the store's own name of the secret. The other formats are the plugin's. The secret need not exist, but
    for a format that has to ask the store for a part of its place. That is one call, and no value is read.

    Raise Unsupported for a format that the store does not have; the error lists those it has. For an external secret
    with a native name in the profile, this is every format except ``native``.
    """
    if native := routes.native(place):
        return _of_native(native, form)
    choice = routes.read_by_hand(place.vault)
    store_type, target = parsed(choice, environ)
    if form != NATIVE and form not in store_type.where:
        raise Unsupported(f"{choice.url}: no format {form!r}", hint=_formats(store_type))
    with open_choice(choice, environ, create=False) as store:
        operations = workspace_of(store).operations
        name = operations.native(place)
        if form == NATIVE:
            return f"{name}\n"
        found: list[str] = []

        def locate() -> str:
            found.extend([] if found else [operations.locate(place)])
            return found[0]

        location = Location(name, place.vault, place.secret, locate)
        try:
            result = store_type.where[form](target, location)
        except Unsupported as error:
            problem: SecretsError = error
        else:
            return result if isinstance(result, str) else _manifests(result, location)
    raise Unsupported(f"{choice.url}: no format {form!r}: {problem}", hint=problem.hint or _formats(store_type))


def _of_native(native: NativePlace, form: str) -> str:
    text = f"{native.name}#{native.field}" if native.field else native.name
    if form == NATIVE:
        return f"{text}\n"
    hint = f"the profile has its native name: {text} at {native.target}"
    raise Unsupported(f"no format {form!r} for an external secret with a native name", hint=hint)


def _formats(store_type: StoreType) -> str:
    offered = f"the plugin of {store_type.scheme}: stores has {', '.join([NATIVE, *store_type.where])}"
    return offered if store_type.where else f"{offered}, and offers no others"


def _manifests(result: ExternalSecret | SecretProvider, location: Location) -> str:
    name = f"{location.vault}-{location.secret}"
    if isinstance(result, SecretProvider):
        spec = {"provider": result.provider, "parameters": dict(result.parameters)}
        return to_yaml(_manifest("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass", name, spec))
    remote = {"key": result.key} | ({"property": result.property} if result.property else {})
    secret = {
        "secretStoreRef": {"name": location.vault, "kind": "SecretStore"},
        "target": {"name": name},
        "data": [{"secretKey": location.secret, "remoteRef": remote}],
    }
    return _SIGN_IN + to_yaml(
        _manifest("external-secrets.io/v1", "SecretStore", location.vault, {"provider": result.provider}),
        _manifest("external-secrets.io/v1", "ExternalSecret", name, secret),
    )


def _manifest(version: str, kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
