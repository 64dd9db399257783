"""Parts that a store plugin needs and need not write: statuses, sign-in, text, pages, stamps beside values, a lock.

A plugin may import this package, besides ``driver``, ``errors`` and ``secret``. Nothing here is needed by every store,
and nothing here calls a store by itself.
"""

from tailorsecrets.kit.lock import locked
from tailorsecrets.kit.pages import walk_pages
from tailorsecrets.kit.sidecar import SideCar
from tailorsecrets.kit.sign_in import SignIn, again_after_login
from tailorsecrets.kit.statuses import grpc_kind, http_kind, http_problem, retry_after
from tailorsecrets.kit.text import as_text

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
