"""Parts that plugin authors need not write: statuses, sign-in, text, pages, stamps beside values, a lock.

A plugin may import this package, besides ``driver``, ``errors`` and ``secret``. Nothing here is needed by every store,
and nothing here calls a store by itself. What most stores need, ``Budget``, ``PerProcess``, ``ServerClock`` and
``throttled``, is imported from ``driver``.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailorsecrets.kit.lock import locked
    from tailorsecrets.kit.pages import walk_pages
    from tailorsecrets.kit.sidecar import SideCar
    from tailorsecrets.kit.sign_in import SignIn, again_after_login
    from tailorsecrets.kit.statuses import grpc_kind, http_kind, http_problem, retry_after
    from tailorsecrets.kit.text import as_text

_HOME = {
    "SideCar": "sidecar",
    "SignIn": "sign_in",
    "again_after_login": "sign_in",
    "as_text": "text",
    "grpc_kind": "statuses",
    "http_kind": "statuses",
    "http_problem": "statuses",
    "locked": "lock",
    "retry_after": "statuses",
    "walk_pages": "pages",
}  # name -> the module that has it, loaded when the name is used

__all__ = [
    "SideCar",
    "SignIn",
    "again_after_login",
    "as_text",
    "grpc_kind",
    "http_kind",
    "http_problem",
    "locked",
    "retry_after",
    "walk_pages",
]


if not TYPE_CHECKING:  # so that a type checker finds a misspelt import

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
