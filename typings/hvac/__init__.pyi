# The part of hvac that this project uses; hvac has no types of its own.

from typing import Any

import requests
from hvac.adapters import Adapter

class Client:
    token: str
    auth: Any
    secrets: Any
    sys: Any
    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 30,
        namespace: str | None = None,
        session: requests.Session | None = None,
        verify: bool | str | None = None,
        adapter: type[Adapter] = ...,
    ) -> None: ...
    @property
    def adapter(self) -> Adapter: ...
    def write_data(self, path: str, *, data: object = None, wrap_ttl: str | None = None) -> Any: ...
