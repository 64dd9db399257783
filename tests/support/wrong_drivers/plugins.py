"""A right plugin, as text, and deliberately wrong variants: a test of the suite for each (old, new) text."""

from collections.abc import Mapping
from typing import Final

RIGHT: Final = """
from tailorsecrets.driver import Caps, Driver, Entry, Option, Problem, StoreType, Stored
from tailorsecrets.errors import ConfigError, NotFound, SecretsError
from tailorsecrets.secret import Secret

OPTIONS = {"region": Option("the region", form="[a-z]+", expected="a region"), "team": "the team"}
CAPS = Caps()

class Kept(Driver):
    caps = CAPS
    def __init__(self, target):
        import kept_sdk
        self.folder, self.user = target.base, target.environ.get("KEPT_USER", "nobody")
    def get(self, name, version=""):
        return Stored(Secret(name), Entry(name=name))
    def explain(self, exc, op):
        return Problem(NotFound if isinstance(exc, KeyError) else SecretsError)

def cli(target, location):
    return f"kept read {location.name}"

def policy(target, vaults, use):
    return "".join(f"allow {use} {vault.secrets}\\n" for vault in vaults)

def tailorsecrets_stores():
    return [StoreType(scheme="kept", open=Kept, options=OPTIONS, policy=policy, where={"cli": cli}, extra="")]
"""
WRONG_PLUGINS: Final[Mapping[str, tuple[str, str]]] = {
    "test_entry_point_opens_each_url": ('scheme="kept"', 'scheme="keptt"'),
    "test_url_opens_a_driver_with_the_caps": ("CAPS = Caps()", "CAPS = Caps(lists=True)"),
    "test_scheme_in_upper_case": ("    import kept_sdk\n", "    assert target.url.startswith('kept')\n"),
    "test_store_types_are_right": ("the region", ""),
    "test_no_scheme_is_taken_twice": (
        'where={"cli": cli}, extra="")]',
        'where={"cli": cli}), StoreType(scheme="kept", open=Kept)]',
    ),
    "test_unknown_option_is_refused": ('"team": "the team"', '"team": "the team", "no-such-option": "x"'),
    "test_wrong_option_is_refused": ("import kept_sdk", "int(target.options.get('team', 0))"),
    "test_policy_is_text": ("vault.secrets", "vault.records"),
    "test_where_names_the_secret": ("kept read {location.name}", "kept read it"),
    "test_missing_folder_and_environment": ('target.environ.get("KEPT_USER", "nobody")', 'target.environ["KEPT_USER"]'),
    "test_missing_sdk_is_told": (
        "        import kept_sdk\n",
        "        try:\n            import kept_sdk\n        except ImportError:\n            raise ConfigError('no')\n",
    ),
}
