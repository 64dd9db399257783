"""A sign-in service, as Microsoft Entra ID is one, that knows no client: it refuses each, or has an outage."""

import json
from ssl import SSLContext
from typing import Any, Final

from tests.support.web_server import Handler, WebServer

WRONG_SECRET: Final = "AADSTS7000215: Invalid client secret provided. Trace ID: 0"
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}


class Authority:
    """A sign-in service on a loopback port. *status* is what it answers to everything, 0 for its usual answers."""

    def __init__(self, context: SSLContext, status: int = 0) -> None:
        self.status = status
        self.requests = 0
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
        authority.requests += 1
        if authority.status:
            self.say(authority.status, {"error": "temporarily_unavailable"})
        elif self.command == "GET":
            tenant = f"https://{authority.host}/{self.path.split('/')[1]}"
            endpoints = {f"{name}_endpoint": f"{tenant}/oauth2/v2.0/{name}" for name in ("authorization", "token")}
            self.say(200, {"issuer": f"{tenant}/v2.0", **endpoints})
        else:
            self.say(401, {"error": "invalid_client", "error_description": WRONG_SECRET})

    def say(self, status: int, what: Any) -> None:
        """Answer in JSON."""
        self.answer(status, json.dumps(what).encode(), _JSON)
