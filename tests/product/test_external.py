"""Secrets that others manage under their own names, read on every store as another tool wrote them."""

from pathlib import Path

import pytest

from tailorsecrets import Corrupt, SecretManager, Unsupported, define_secret_manager
from tailorsecrets.errors import SecretNotFound
from tailorsecrets.store.names import Place
from tailorsecrets.targets.opening import open_choice
from tests.support.product.backend import Backend

SECRETS = ("whole", "text", "number", "nothing", "absent", "broken", "gone")
JSON = '{"password": "pä\\n", "port": 5432, "more": {"a": [1, null]}, "none": null}'
NAMES = {"file": "legacy/PARTNER", "aws": "legacy/PARTNER", "gcp": "legacy_PARTNER", "azure": "legacy-PARTNER"}


class Partner:
    """A program whose profile has native names in *backend*, with the entries of another tool."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self.backend, self.folder = backend, folder
        self.is_vault = backend.name.startswith("OpenBao")
        whole, entry, plain, gone = self.names()
        places = {
            "whole": whole,
            "text": f"{entry}#password",
            "number": f"{entry}#port",
            "nothing": f"{entry}#none",
            "absent": f"{entry}#user",
            "broken": f"{plain}#password",
            "gone": gone,
        }
        listed = "\n".join(f'"partner/{name}" = "{place}"' for name, place in places.items())
        url = f"{backend.url}{'&' if '?' in backend.url else '?'}workspace={backend.workspace}"
        (folder / "tailorsecrets.toml").write_text(
            f'[profiles.prod]\nstore = "{url}"\n[profiles.prod.external]\n{listed}\n'
        )
        self.secrets: SecretManager = define_secret_manager({}, external={"partner": SECRETS}, folder=folder)
        self.secrets.connect(profile="prod")

    def names(self) -> tuple[str, str, str, str]:
        """Write the entries; return the native names of a value, of JSON, of text that is none, and of nothing."""
        if self.is_vault:
            return self._in_vault()
        key = next(key for key in NAMES if self.backend.name.lower().startswith(key))
        base = f"{NAMES[key]}-{self.backend.workspace}"
        texts = {f"{base}-whole": "tailorsecrets:=x", f"{base}-json": JSON, f"{base}-plain": "[1]"}
        for name, text in texts.items():
            self.backend.backdoor.write(name, text)
        whole, entry, plain = texts
        return whole, entry, plain, f"{base}-gone"

    def _in_vault(self) -> tuple[str, str, str, str]:
        """Do the same in Vault, where an entry has several fields; the URL's field is ``value``."""
        client = self.backend.backdoor.client  # type: ignore[attr-defined]
        fields = {"password": "pä\n", "port": 5432, "more": {"a": [1, None]}, "none": None}
        base, kv = f"legacy/PARTNER-{self.backend.workspace}", client.secrets.kv.v2
        entries = {"whole": {"value": "tailorsecrets:=x"}, "json": fields, "plain": {"password": {"a": [1, None]}}}
        for name, entry in entries.items():
            kv.create_or_update_secret(f"{base}/{name}", entry, mount_point="secret")
        mount = "" if "/secret" in self.backend.url else "secret/"
        whole, json, plain = (f"{mount}{base}/{name}" for name in entries)
        return whole, json, plain, f"{mount}{base}/gone"


@pytest.fixture
def partner(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Partner:
    """Return a program on the store, with the login in its environment."""
    for name, value in backend.environ.items():
        monkeypatch.setenv(name, value)
    return Partner(backend, tmp_path)


@pytest.mark.parametrize("backend", ["file", "openbao-mounts", "openbao-folders", "aws", "gcp", "azure"], indirect=True)
def test_native_names_are_read_as_they_stand(partner: Partner) -> None:
    """Nothing is unescaped; a field is its text or its compact JSON, and a missing one is a missing secret."""
    secrets = partner.secrets
    assert secrets.get("partner", "whole") == "tailorsecrets:=x"
    assert secrets.get_all("partner", ["text", "number", "nothing"]) == ["pä\n", "5432", "null"]
    assert secrets.get_all("partner", ["absent", "gone"]) == [None, None]
    if partner.is_vault:
        assert secrets.get("partner", "broken") == '{"a":[1,null]}'
    else:
        with pytest.raises(Corrupt, match="secret partner/broken: the value is not a JSON object"):
            secrets.get("partner", "broken")
    if partner.backend.name != "Azure":
        assert secrets.recent("partner", "text") == ["pä\n"]
    routes = secrets._connection.routes()[0]
    with open_choice(routes.primary, partner.backend.environ, external=routes.external_at(routes.primary)) as store:
        with pytest.raises(Unsupported, match="others manage it"):
            store.create_secret("partner", "whole", "x")
        with pytest.raises(Unsupported):
            store.purge_secret("partner", "whole")
        with pytest.raises((Unsupported, SecretNotFound)):
            store.restore_secret("partner", "whole")
        assert store._operations.stat(Place("partner", "whole")) is not None
        assert store._operations.stat(Place("partner", "gone")) is None
