"""Secrets as a source of pydantic-settings: ``Annotated[SecretStr, SecretRef("api-keys", "stripe-secret-key")]``.

Needs pydantic-settings. Such a field is read from the store once, when the settings are made.
"""

from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from tailorsecrets.errors import ConfigError
from tailorsecrets.references import Reader
from tailorsecrets.references.ref import SecretRef


class SecretsSource(PydanticBaseSettingsSource):
    """Reads the fields that refer to a secret; a missing secret is left to the sources after this one.

    The fields must have the type SecretStr, so that the settings and pydantic's errors show no value. Return the source
    from ``settings_customise_sources``. Raise ConfigError for a field of another type, and any error of a read.
    """

    def __init__(self, settings_cls: type[BaseSettings], secrets: Reader) -> None:
        super().__init__(settings_cls)
        self._secrets = secrets

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of one field, its key and False: it is not JSON."""
        ref = _reference(field, field_name)
        value = self._secrets.get_all(ref.vault, [ref.key])[0] if ref else None
        return _secret(ref, value), field.alias or field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the values of all fields, in one read for each vault."""
        fields = self.settings_cls.model_fields.items()
        found = {f.alias or name: ref for name, f in fields if (ref := _reference(f, name)) is not None}
        keys: dict[str, list[str]] = {}
        for ref in found.values():
            keys.setdefault(ref.vault, []).append(ref.key)
        values = {
            vault: dict(zip(names, self._secrets.get_all(vault, names), strict=True)) for vault, names in keys.items()
        }
        given = {key: _secret(ref, values[ref.vault][ref.key]) for key, ref in found.items()}
        return {key: value for key, value in given.items() if value is not None}


def _reference(field: FieldInfo, name: str) -> SecretRef | None:
    ref = next((item for item in field.metadata if isinstance(item, SecretRef)), None)
    if ref is not None and SecretStr not in {field.annotation, *get_args(field.annotation)}:
        raise ConfigError(f"field {name}: use the type SecretStr, or errors and logs show the value")
    return ref


def _secret(ref: SecretRef | None, value: str | None) -> SecretStr | None:
    return None if ref is None or value is None else SecretStr(ref.format.replace("{}", value))
