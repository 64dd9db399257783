"""A sign-in service like Microsoft Entra ID that refuses every client, or has an outage."""

import json
from ssl import SSLContext
from typing import Any, Final

from tailorsecrets.testing.web_server import Handler, WebServer

WRONG_SECRET: Final = "AADSTS7000215: Invalid client secret provided. Trace ID: 0"
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}


class Authority:
    """A sign-in service on a loopback port. It answers everything with *status*; with 0, as usual."""

    def __init__(self, context: SSLContext, status: int = 0) -> None:
        self.status = status
        self._server = WebServer(_AuthorityHandler, self, context)

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"localhost:{self._server.server_port}"

    def close(self) -> None:
        """Stop."""
        self._server.close()


class _AuthorityHandler(Handler):
    """One connection."""

    def respond(self) -> None:
        """Describe the service, or refuse to give a token."""
        self.body()
        authority: Authority = self.server.owner
        if authority.status:
            self.send_json(authority.status, {"error": "temporarily_unavailable"})
        elif self.command == "GET":
            tenant = f"https://{authority.host}/{self.path.split('/')[1]}"
            endpoints = {f"{name}_endpoint": f"{tenant}/oauth2/v2.0/{name}" for name in ("authorization", "token")}
            self.send_json(200, {"issuer": f"{tenant}/v2.0", **endpoints})
        else:
            self.send_json(401, {"error": "invalid_client", "error_description": WRONG_SECRET})

    def send_json(self, status: int, answer: Any) -> None:
        """Answer in JSON."""
        self.answer(status, json.dumps(answer).encode(), _JSON)
