"""Who a token belongs to, on a real OpenBao, as ``doctor`` shows it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tailorsecrets.doctor.examine import examine
from tailorsecrets.targets.choice import Choice
from tailorsecrets.testing.proxy import Proxy
from tests.support.servers import Server
from tests.support.vault.logins import approle, token


def login(proxy: Proxy, workspace: str, **environ: str) -> Any:
    """Return who is signed in, and the check of that."""
    choice = Choice(f"vault+http://127.0.0.1:{proxy.port}/secret?timeout=2", workspace, ".")
    found = examine(choice, {}, environ)
    return found.identity, next(check for check in found.checks if check.name == "login")


def test_a_token_that_ends(openbao: Server, bao_root: Any, bao_proxy: Proxy, workspace: str) -> None:
    """A token that was given ends, with its policies; one that ends soon is a warning."""
    who, check = login(bao_proxy, workspace, VAULT_TOKEN=token(bao_root, ttl="2h"))
    assert who.name == "token-token (policies: default, secrets)"
    assert (who.until - datetime.now(UTC)).total_seconds() == pytest.approx(7200, abs=20)
    assert (who.renews, check.state) == (False, "ok")
    _, check = login(bao_proxy, workspace, VAULT_TOKEN=token(bao_root, ttl="1m"))
    assert (check.state, check.hint) == ("warning", "sign in again soon")


def test_a_token_without_an_end(openbao: Server, bao_proxy: Proxy, workspace: str) -> None:
    """The root token has no end."""
    who, check = login(bao_proxy, workspace, VAULT_TOKEN=openbao.variables["VAULT_TOKEN"])
    assert (who.until, check.state) == (None, "ok")


def test_a_login_that_is_made_anew(
    openbao: Server, bao_root: Any, bao_proxy: Proxy, workspace: str, auth_path: str
) -> None:
    """AppRole gets a new token at the end of the old one, also of a short one."""
    bao_root.sys.create_or_update_policy("secrets", 'path "secret/*" { capabilities = ["read", "list"] }')
    who, check = login(bao_proxy, workspace, **approle(bao_root, auth_path, token_ttl="1m"))
    assert who.name == f"{auth_path} (policies: default, secrets)"
    assert (who.renews, check.state) == (True, "ok")


def test_a_token_that_may_not_look_itself_up(openbao: Server, bao_root: Any, bao_proxy: Proxy, workspace: str) -> None:
    """Without the right to look itself up, a token can still read, and doctor does not know who it is."""
    who, check = login(bao_proxy, workspace, VAULT_TOKEN=token(bao_root, no_default_policy=True))
    assert who is None
    assert (check.state, check.code) == ("warning", "PERMISSION_DENIED")
    assert check.text.startswith("accepted; its name is not known: ")
