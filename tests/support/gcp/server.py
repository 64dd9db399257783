"""A server that speaks the gRPC protocol of Google Secret Manager. It is not Google's.

The SDK's own messages are read and written, so the real clients talk to it. It is as strict as the reference pages
say the service is: rules of names, sizes, labels, annotations and masks, etags, checksums, states of versions, order,
pages and filters of lists. On demand it also has the faults of the service: lists and ``latest`` that lag, refusals and
silence (``faults.py``), and a broken network (``relay.py``). It has no IAM policies, topics, rotation, expiry and KMS.
Methods that it lacks answer UNIMPLEMENTED.
"""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import grpc
from google.cloud.secretmanager_v1 import types
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from grpc_status.rpc_status import to_status

from tests.support.faults import Faults
from tests.support.gcp.faults import Rule
from tests.support.gcp.filter import BadFilter, read_filter
from tests.support.gcp.rules import Refusal, invalid, need
from tests.support.gcp.state import Holdings, Place, State, parent_of, place_of

T = TypeVar("T")

SERVICE: Final = "google.cloud.secretmanager.v1.SecretManagerService"
MOST: Final = 25_000  # items in a page
THREADS: Final = 24
SILENCE: Final = Refusal(grpc.StatusCode.CANCELLED, "Nobody has waited for this.")
_MESSAGES: Final[dict[str, tuple[Any, Any]]] = {
    "AccessSecretVersion": (types.AccessSecretVersionRequest, types.AccessSecretVersionResponse),
    "AddSecretVersion": (types.AddSecretVersionRequest, types.SecretVersion),
    "CreateSecret": (types.CreateSecretRequest, types.Secret),
    "DeleteSecret": (types.DeleteSecretRequest, None),
    "DestroySecretVersion": (types.DestroySecretVersionRequest, types.SecretVersion),
    "DisableSecretVersion": (types.DisableSecretVersionRequest, types.SecretVersion),
    "EnableSecretVersion": (types.EnableSecretVersionRequest, types.SecretVersion),
    "GetSecret": (types.GetSecretRequest, types.Secret),
    "GetSecretVersion": (types.GetSecretVersionRequest, types.SecretVersion),
    "ListSecretVersions": (types.ListSecretVersionsRequest, types.ListSecretVersionsResponse),
    "ListSecrets": (types.ListSecretsRequest, types.ListSecretsResponse),
    "UpdateSecret": (types.UpdateSecretRequest, types.Secret),
}


class Server:
    """One server of *holdings*, on a loopback port; several servers may share them.

    ``arrived`` lists the methods that were called, in order, with the resource; *credentials* are for TLS.
    """

    def __init__(self, holdings: Holdings | None = None, credentials: grpc.ServerCredentials | None = None) -> None:
        self.holdings = holdings or Holdings()
        self.faults: Faults[Rule] = Faults()
        self.arrived: list[tuple[str, str]] = []
        self.metadata: list[dict[str, str]] = []  # the headers of each call, such as its login
        self.page = MOST  # items that a page has at most
        self._threads = ThreadPoolExecutor(THREADS)
        self._server = grpc.server(self._threads)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, self._handlers()),))
        self.port = (
            self._server.add_secure_port("127.0.0.1:0", credentials)
            if credentials
            else self._server.add_insecure_port("127.0.0.1:0")
        )
        self._server.start()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def methods(self) -> list[str]:
        """Return the methods that were called so far."""
        return [method for method, _ in self.arrived]

    def close(self) -> None:
        """Stop, and wait for the end."""
        self.faults.recover()
        self._server.stop(None).wait()
        self._threads.shutdown()

    def access_secret_version(self, request: types.AccessSecretVersionRequest) -> types.AccessSecretVersionResponse:
        """Return a payload."""
        found = self.holdings.access(place_of(request.name))
        return types.AccessSecretVersionResponse(name=found.message.name, payload=found.payload)

    def add_secret_version(self, request: types.AddSecretVersionRequest) -> types.SecretVersion:
        """Add a version."""
        need("payload" in request, "The payload is required.")
        return self.holdings.add(place_of(request.parent), request.payload)

    def create_secret(self, request: types.CreateSecretRequest) -> types.Secret:
        """Make a secret."""
        place = parent_of(request.parent)
        return self.holdings.create(Place(place.parent, request.secret_id), request.secret)

    def delete_secret(self, request: types.DeleteSecretRequest) -> Empty:
        """Delete a secret."""
        self.holdings.delete(place_of(request.name), request.etag)
        return Empty()

    def destroy_secret_version(self, request: types.DestroySecretVersionRequest) -> types.SecretVersion:
        """Destroy a version."""
        return self.holdings.change_state(place_of(request.name), request.etag, State.DESTROYED)

    def disable_secret_version(self, request: types.DisableSecretVersionRequest) -> types.SecretVersion:
        """Disable a version."""
        return self.holdings.change_state(place_of(request.name), request.etag, State.DISABLED)

    def enable_secret_version(self, request: types.EnableSecretVersionRequest) -> types.SecretVersion:
        """Enable a version."""
        return self.holdings.change_state(place_of(request.name), request.etag, State.ENABLED)

    def get_secret(self, request: types.GetSecretRequest) -> types.Secret:
        """Return a secret."""
        return self.holdings.find(place_of(request.name)).message

    def get_secret_version(self, request: types.GetSecretVersionRequest) -> types.SecretVersion:
        """Return a version without its payload."""
        return self.holdings.version(place_of(request.name)).message

    def list_secret_versions(self, request: types.ListSecretVersionsRequest) -> types.ListSecretVersionsResponse:
        """Return a page of versions, newest first."""
        held = self.holdings.find(place_of(request.parent), self.holdings.shown("versions"))
        found = [version.message for version in reversed(held.versions)]
        passed = [message for message in found if self._passes(request.filter, message)]
        page, token = self._page(passed, request)
        total = 0 if request.filter else len(found)
        return types.ListSecretVersionsResponse(versions=page, next_page_token=token, total_size=total)

    def list_secrets(self, request: types.ListSecretsRequest) -> types.ListSecretsResponse:
        """Return a page of secrets, newest first."""
        parent = parent_of(request.parent).parent
        shown = [
            held.message
            for name, held in self.holdings.shown("secrets").items()
            if name.startswith(f"{parent}/secrets/")
        ]
        found = sorted(shown, key=_created, reverse=True)
        passed = [message for message in found if self._passes(request.filter, message)]
        page, token = self._page(passed, request)
        total = 0 if request.filter else len(found)
        return types.ListSecretsResponse(secrets=page, next_page_token=token, total_size=total)

    def update_secret(self, request: types.UpdateSecretRequest) -> types.Secret:
        """Change a secret."""
        return self.holdings.update(place_of(request.secret.name), request.secret, list(request.update_mask.paths))

    def _passes(self, text: str, message: types.Secret | types.SecretVersion) -> bool:
        fields: dict[str, Any] = {"name": message.name, "create_time": message.create_time, "etag": message.etag}
        if isinstance(message, types.SecretVersion):
            fields["state"] = message.state.name
        else:
            fields |= {"labels": message.labels, "annotations": message.annotations}
        try:
            return read_filter(text)(fields)
        except BadFilter as exc:
            raise invalid(f"The filter is not valid: {exc}") from exc

    def _page(
        self, items: Sequence[T], request: types.ListSecretsRequest | types.ListSecretVersionsRequest
    ) -> tuple[Sequence[T], str]:
        """Return the page that *request* asks for, and the token of the next one, which fits this list alone."""
        need(request.page_size >= 0, "The page size is negative.")
        read_filter(request.filter)  # also where there is nothing to filter
        size = min(request.page_size or self.page, self.page)
        start = _read_token(request.page_token, request.parent, request.filter) if request.page_token else 0
        end = start + size
        token = _token(end, request.parent, request.filter) if end < len(items) else ""
        return items[start:end], token

    def _handlers(self) -> dict[str, Any]:
        return dict(self._handler(method, *messages) for method, messages in _MESSAGES.items())

    def _handler(self, method: str, request: Any, answer: Any) -> tuple[str, Any]:
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in method).removeprefix("_")
        serve = _Method(self, method, getattr(self, name))
        encode = answer.serialize if answer else Empty.SerializeToString
        return method, grpc.unary_unary_rpc_method_handler(serve, request.deserialize, encode)


class _Method:
    """One method on the wire: faults, the lock, and refusals as statuses."""

    def __init__(self, server: Server, method: str, do: Callable[[Any], object]) -> None:
        self._server, self._method, self._do = server, method, do

    def __call__(self, request: Any, context: grpc.ServicerContext) -> object:
        resource = _resource(request)
        self._server.arrived.append((self._method, resource))
        self._server.metadata.append({key: str(text) for key, text in context.invocation_metadata()})
        try:
            return self._answer(request, resource, context)
        except Refusal as refusal:
            context.abort_with_status(to_status(_status(refusal)))
            raise

    def _answer(self, request: Any, resource: str, context: grpc.ServicerContext) -> object:
        faults, recovered = self._server.faults, self._server.faults.recovered
        rule = faults.find(self._method, resource)
        if rule is None:
            return self._done(request)
        recovered.wait(rule.seconds)
        refusal = SILENCE if rule.hangs else rule.refusal
        answer = self._done(request) if rule.applied or not refusal else None
        while rule.hangs and context.is_active() and not recovered.wait(0.05):
            pass
        if refusal:
            raise refusal
        return answer

    def _done(self, request: Any) -> object:
        with self._server.holdings.lock:
            return self._do(request)


def _created(message: types.Secret) -> Any:
    return message.create_time


def _resource(request: Any) -> str:
    if isinstance(request, types.CreateSecretRequest):
        return f"{request.parent}/secrets/{request.secret_id}"
    if isinstance(request, types.UpdateSecretRequest):
        return str(request.secret.name)
    return str(getattr(request, "name", "") or request.parent)


def _status(refusal: Refusal) -> Status:
    details: Iterator[AnyMessage] = map(_packed, refusal.details)
    return Status(code=refusal.code.value[0], message=refusal.message, details=details)


def _packed(message: Any) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


def _token(start: int, *of: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([start, *of]).encode()).decode()


def _read_token(token: str, *of: str) -> int:
    try:
        start, *found = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as exc:
        raise invalid("The page token is not valid.") from exc
    need(found == list(of), "The page token is of another list.")
    return int(start)
