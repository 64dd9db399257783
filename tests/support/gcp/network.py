"""Google's network as one process sees it: a proxy to hosts of Google's names, tokens, IAM and the metadata server.

It answers what google.auth asks for, with made-up tokens; TLS uses its own authority. A process comes here by its
environment alone (``environ``), so nothing of the SDK is replaced.
"""

import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import grpc
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tailorsecrets.testing.web_server import Handler, WebServer
from tests.support.gcp.server import Server

GLOBAL: Final = "secretmanager.googleapis.com"
REGIONAL: Final = "secretmanager.europe-west3.rep.googleapis.com"
IAM: Final = "iamcredentials.googleapis.com"
_FLAVOR: Final = {"Metadata-Flavor": "Google"}


class Network:
    """All of it, on loopback ports.

    ``asked`` lists who was asked for tokens, ``status`` is what they say, ``iam_status`` what IAM says of an account to
    act as.
    """

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self._ca, self._key = folder / "ca.pem", folder / "key.json"
        authority.cert_pem.write_to_path(str(self._ca))
        self.asked: list[str] = []
        self.status = self.iam_status = 200
        self.lifetime = 3600  # seconds that a token lasts
        self.stops = False  # the metadata server stops listening when it is asked for a token
        self.skew = 0.0  # seconds that the clock of those who give tokens is ahead
        self.hangs_up = False  # the metadata server breaks the connection when it is asked for one
        certificate = authority.issue_cert(GLOBAL, REGIONAL, IAM)
        self.server = Server(credentials=_grpc_credentials(certificate))
        self._tokens = WebServer(_Answers, self)
        self._iam = WebServer(_Answers, self, _context(certificate))
        self._proxy = _Proxy({GLOBAL: self.server.port, REGIONAL: self.server.port, IAM: self._iam.server_port})
        self._home = folder
        self._key.write_text(json.dumps(_service_account(self._tokens.server_port)))

    def environ(self, *, key: bool = True, metadata: bool = False) -> dict[str, str]:
        """Return the environment of a process with a *key* file, or on a machine that has a *metadata* server."""
        proxy = f"http://127.0.0.1:{self._proxy.port}"
        environ = {"PATH": os.environ["PATH"], "HOME": str(self._home), "no_proxy": "127.0.0.1"}
        environ |= {"https_proxy": proxy, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(self._ca)}
        environ |= {"REQUESTS_CA_BUNDLE": str(self._ca), "GRPC_VERBOSITY": "NONE"}
        if key:
            environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(self._key)
        host = f"127.0.0.1:{self._tokens.server_port}"
        return environ | (
            {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host} if metadata else {"NO_GCE_CHECK": "true"}
        )

    def logins(self) -> list[str]:
        """Return the tokens that calls came with."""
        return [metadata.get("authorization", "") for metadata in self.server.metadata]

    def close(self) -> None:
        """Shut it down."""
        self._proxy.close()
        self._tokens.close()
        self._iam.close()
        self.server.close()


class _Answers(Handler):
    def setup(self) -> None:
        super().setup()
        self.network: Network = self.server.owner

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the time on the service's clock."""
        return super().date_time_string(time.time() + self.network.skew if timestamp is None else timestamp)

    def respond(self) -> None:
        """Give a token, or describe a machine."""
        if self.command == "POST":
            self._give()
        else:
            self._describe()

    def _give(self) -> None:
        """Give a token: of the key's account, or of the account that it acts as."""
        self.body()
        self.network.asked.append(self.path)
        number = len(self.network.asked)
        if self.path == "/token":
            self._say({"access_token": f"of-the-key-{number}", "expires_in": self.network.lifetime})
        elif self.network.iam_status != 200:
            self.answer(self.network.iam_status, b"", {})
        elif self.headers["Authorization"].startswith("Bearer of-the-key"):
            self._say({"accessToken": f"of-{self.path.split('/')[-1]}", "expireTime": "2999-01-01T00:00:00Z"})

    def _describe(self) -> None:
        """Answer as the metadata server of a machine."""
        account = {"aliases": ["default"], "email": "machine@p.iam.gserviceaccount.com", "scopes": ["all"]}
        token = self.path.partition("?")[0].endswith("/token")
        if token and self.network.stops:
            self.server.socket.close()
        if token and (self.network.hangs_up or self.network.stops):
            self.connection.shutdown(socket.SHUT_RDWR)
        elif token:
            self._say({"access_token": "of-the-machine", "expires_in": 3600, "token_type": "Bearer"})
        elif "recursive" in self.path:
            self._say(account)
        else:
            self._say("googleapis.com" if "universe" in self.path else "my-project")

    def _say(self, what: Any) -> None:
        refused = {"error": "invalid_grant", "error_description": "Invalid grant: account not found"}
        text = what if isinstance(what, str) else json.dumps(what if self.network.status == 200 else refused)
        kind = "text/plain" if isinstance(what, str) else "application/json"
        self.answer(self.network.status, text.encode(), {**_FLAVOR, "Content-Type": kind})


class _Proxy:
    """An HTTP proxy that knows *ports* of a few hosts and connects to no other."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            host = client.recv(65_536).removeprefix(b"CONNECT ").partition(b":")[0].decode()
            if host not in self._ports:
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", self._ports[host])) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            sink.sendall(piece)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def _grpc_credentials(certificate: trustme.LeafCert) -> grpc.ServerCredentials:
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    return grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)])


def _service_account(port: int) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    return {
        "type": "service_account",
        "project_id": "my-project",
        "private_key_id": "1",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "client_email": "key@my-project.iam.gserviceaccount.com",
        "token_uri": f"http://127.0.0.1:{port}/token",
    }
