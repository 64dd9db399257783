"""Secrets as a source of pydantic-settings."""

import traceback
from typing import Annotated, Any

import pytest
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from tailorsecrets import ConfigError, Denied, SecretManager, SecretRef, Store, UndeclaredSecret
from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.integrations.pydantic_settings import SecretsSource
from tailorsecrets.testing.memory import Memory
from tests.support.web import CANARY, manager

TOKEN = Annotated[SecretStr, SecretRef("api-keys", "token")]


def settings(values: dict[str, str], driver: Memory | None = None, **fields: Any) -> BaseSettings:
    """Make settings with *fields*, name to annotation and default, whose secrets are *values*."""
    secrets = manager(values, driver=driver)
    if driver:
        driver.forget_calls()

    class Base(BaseSettings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, SecretsSource(settings_cls, secrets), env_settings

    annotations = {name: kind for name, (kind, _) in fields.items()}
    defaults = {name: default for name, (_, default) in fields.items() if default is not ...}
    made: BaseSettings = type(
        "Settings", (Base,), {"__annotations__": annotations, "__module__": __name__, **defaults}
    )()
    return made


def test_a_field_is_the_secret() -> None:
    """A field that refers to a secret has its value, in its format; others come from where they came before."""
    bearer = Annotated[SecretStr, SecretRef("api-keys", "token", "Bearer {}")]
    made: Any = settings({"token": "abc"}, token=(TOKEN, ...), header=(bearer, ...), region=(str, "eu"))
    assert (made.token.get_secret_value(), made.header.get_secret_value(), made.region) == ("abc", "Bearer abc", "eu")
    assert "abc" not in repr(made)


def test_one_read_a_vault() -> None:
    """All fields of a vault are one read."""
    driver = Memory()
    other = Annotated[SecretStr, SecretRef("api-keys", "other")]
    settings({"token": "abc", "other": "def"}, driver, token=(TOKEN, ...), other=(other, ...))
    assert driver.value_reads == 1


def test_a_failed_read_shows_no_other_value() -> None:
    """When one of two vaults cannot be read, no frame of the error holds a value of the other in its locals."""
    memory = Memory()
    for vault in ("api-keys", "database"):
        memory.backdoor.write(f"default/{vault}/token", CANARY)
    memory.backdoor.deny("default/database/token")
    names = {"api-keys": frozenset({"token"}), "database": frozenset({"token"})}
    secrets = SecretManager(Declarations({}, names)).connect(store=lambda: Store(memory))

    class Settings(BaseSettings):
        token: TOKEN
        password: Annotated[SecretStr, SecretRef("database", "token")]

    with pytest.raises(Denied) as caught:
        SecretsSource(Settings, secrets)()
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert CANARY not in "".join(str(frame.locals) for frame in report.stack if frame.filename != __file__)


def test_an_alias() -> None:
    """A field with an alias is filled, too."""
    made: Any = settings({"token": "abc"}, token=(TOKEN, Field(alias="TOKEN")))
    assert made.token.get_secret_value() == "abc"


def test_a_missing_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing secret comes from the next source, else from the default, else it is pydantic's own error."""
    missing = Annotated[SecretStr | None, SecretRef("api-keys", "missing")]
    assert settings({}, token=(missing, None)).model_dump() == {"token": None}
    with pytest.raises(ValidationError, match="Field required"):
        settings({}, token=(missing, ...))
    monkeypatch.setenv("TOKEN", "from the environment")
    made: Any = settings({}, token=(missing, ...))
    assert made.token.get_secret_value() == "from the environment"


def test_an_error_of_pydantic_shows_no_value() -> None:
    """Where another field is wrong, the error shows no secret."""
    with pytest.raises(ValidationError) as caught:
        settings({"token": CANARY}, token=(TOKEN, ...), region=(str, ...))
    assert CANARY not in f"{caught.value}{caught.value!r}{caught.value.errors()}"


def test_a_secret_is_no_str() -> None:
    """A field of another type than SecretStr is refused."""
    with pytest.raises(ConfigError, match="field token: use the type SecretStr"):
        settings({"token": "abc"}, token=(Annotated[str, SecretRef("api-keys", "token")], ...))


def test_an_undeclared_secret() -> None:
    """A reference to what the config does not declare is refused."""
    with pytest.raises(UndeclaredSecret):
        settings({}, token=(TOKEN, ...))


def test_one_field() -> None:
    """A single field can be asked for, as pydantic-settings' own sources allow."""
    made = settings({"token": "abc"}, token=(TOKEN, ...), region=(str, "eu"))
    source = SecretsSource(type(made), manager({"token": "abc"}))
    fields = type(made).model_fields
    assert source.get_field_value(fields["token"], "token") == (SecretStr("abc"), "token", False)
    assert source.get_field_value(fields["region"], "region") == (None, "region", False)
