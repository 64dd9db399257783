"""Opening: the entry point, the store types, URLs in all their forms, options, policies, and a missing SDK."""

import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, Literal, cast

from tailorsecrets.driver import (
    Driver,
    ExternalSecret,
    Location,
    Option,
    SecretProvider,
    StoreType,
    Target,
    VaultNames,
)
from tailorsecrets.errors import ConfigError
from tailorsecrets.testing.conformance.suite import Suite, check, declares, equal, group

GROUP: Final = "tailorsecrets"
HOOK: Final = "tailorsecrets_stores"
SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
NO_OPTION: Final = "no-such-option"
NO_VALUE: Final = "\u2603"
SECONDS: Final = 30.0  # that a new interpreter may take
OPEN: Final = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {sdk!r} or name.startswith(tuple(each + "." for each in {sdk!r})):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
import os
os.environ.update({environ!r})
from tailorsecrets import SecretsError, open_store
try:
    open_store({url!r})
except SecretsError as error:
    print(type(error).__name__, error, error.hint, sep="|")
"""


@group("open")
class Opening(Suite):
    """The tests of what the core does with a plugin before a driver's first call; they need ``urls``."""

    @declares("urls")
    def test_entry_point_opens_each_url(self) -> None:
        """Each URL of the suite opens through the entry point of an installed distribution, and calls nothing."""
        for url in self.urls:
            driver = self.opened(url)
            check(isinstance(driver, Driver), f"{url} opened a {type(driver).__name__}, not a Driver")
            driver.close()

    @declares("urls")
    def test_url_opens_a_driver_with_the_caps(self) -> None:
        """The driver behind the first URL has the capabilities that the suite declares."""
        driver = self.opened(self.urls[0])
        equal(driver.caps, self.caps, f"the caps of the driver behind {self.urls[0]}")
        driver.close()

    @declares("urls")
    def test_scheme_in_upper_case(self) -> None:
        """A scheme in upper case is the same scheme."""
        for url in self.urls:
            scheme, colon, rest = url.partition(":")
            self.opened(scheme.upper() + colon + rest).close()

    @declares("urls")
    def test_store_types_are_right(self) -> None:
        """Each store type has a scheme in lower case, and options with a line of help and a form that compiles."""
        for kind in self.store_types():
            check(SCHEME.fullmatch(kind.scheme), f"the scheme {kind.scheme!r} is not a URL scheme in lower case")
            check(callable(kind.open), f"open of {kind.scheme}: is a {type(kind.open).__name__}")
            for name, option in kind.options.items():
                self.check_option(kind.scheme, name, option)

    @declares("urls")
    def test_no_scheme_is_taken_twice(self) -> None:
        """No other installed plugin, and no other store type of this one, has one of its schemes."""
        ours = [kind.scheme for kind in self.store_types()]
        twice = sorted({scheme for scheme in ours if ours.count(scheme) > 1})
        check(not twice, f"the plugin has two store types for {', '.join(twice)}:")
        others = {scheme: name for name, scheme in self.other_schemes() if scheme in ours}
        check(not others, f"another plugin has the scheme too: {others}")

    @declares("urls")
    def test_unknown_option_is_refused(self) -> None:
        """A URL with an unknown option is a ConfigError that names the option."""
        for url in self.urls:
            raised = self.refusal(f"{url}{'&' if '?' in url else '?'}{NO_OPTION}=1")
            is_named = isinstance(raised, ConfigError) and NO_OPTION in str(raised)
            check(is_named, f"{url} with an unknown option {_outcome(raised)}")

    @declares("urls")
    def test_wrong_option_is_refused(self) -> None:
        """A value that an option cannot have is a ConfigError that names the option, when the store is opened."""
        bare = self.urls[0].partition("?")[0]
        for name in self.store_type(self.urls[0]).options:
            raised = self.refusal(f"{bare}?{name}={NO_VALUE}")
            is_named = isinstance(raised, ConfigError) and name in f"{raised} {raised.hint}"
            check(raised is None or is_named, f"option {name}={NO_VALUE} {_outcome(raised)}")

    @declares("urls")
    def test_policy_is_text(self) -> None:
        """A policy, if the store type has one, is a text for each use, and names the vault's secrets."""
        kind = self.store_type(self.urls[0])
        if kind.policy is None:
            return
        target, joiner = self.target_of(self.urls[0]), self.caps.joiner
        vault = VaultNames(f"default{joiner}api{joiner}", f"default{joiner}api", f"default{joiner}", "", "")
        uses: tuple[Literal["read", "deploy"], ...] = ("read", "deploy")
        for use in uses:
            text = kind.policy(target, [vault], use)
            check(isinstance(text, str) and text.strip(), f"the policy to {use} is {type(text).__name__}, or empty")
            check("api" in text, f"the policy to {use} does not name the vault")

    @declares("urls")
    def test_where_names_the_secret(self) -> None:
        """Each format of ``where`` names the secret, in a text or a manifest, and reads nothing."""
        kind, target = self.store_type(self.urls[0]), self.target_of(self.urls[0])
        name = f"default{self.caps.joiner}api{self.caps.joiner}key"
        for form, make in kind.where.items():
            found = make(target, Location(name, "api", "key", lambda: name))
            is_known = isinstance(found, (str, ExternalSecret, SecretProvider))
            check(is_known, f"the format {form} of where returned a {type(found).__name__}")
            check("key" in str(found), f"the format {form} of where does not name the secret")

    @declares("urls")
    def test_missing_folder_and_environment(self) -> None:
        """A driver reads the environment and the folder of its target, not those of the process."""
        for url in self.urls:
            raised = self.refusal(url, environ={}, folder="/nonexistent")
            check(raised is None or isinstance(raised, ConfigError), f"{url} without an environment {_outcome(raised)}")

    @declares("urls", "sdk", "module")
    def test_missing_sdk_is_told(self) -> None:
        """Without its SDK the plugin is found, and opening it is a ConfigError that names what to install."""
        code = OPEN.format(sdk=list(self.sdk), url=self.urls[0], environ=dict(self.environ))
        run = subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=SECONDS
        )
        kind, _, message = run.stdout.partition("|")
        names_it = kind == "ConfigError" and any(name.partition(".")[0] in message for name in self.sdk)
        last = run.stderr.strip().rpartition("\n")[2] or run.stdout.strip() or "it opened"
        check(names_it, f"opening {self.urls[0]} without {', '.join(self.sdk)} got: {last}")

    def check_option(self, scheme: str, name: str, option: "Option | str") -> None:
        """Check the form and the help of an option."""
        text = option if isinstance(option, str) else option.help
        check(text.strip() and "\n" not in text, f"option {name} of {scheme}: has no help of one line")
        if isinstance(option, Option) and option.form:
            try:
                re.compile(option.form)
            except re.error as exc:
                raise AssertionError(f"the form of option {name} of {scheme}: does not compile: {exc}") from None
            wrong = option.default if option.default and re.fullmatch(r"\S+", option.default) else ""
            check(option.expected, f"option {name} of {scheme}: has a form and no `expected`, which names it {wrong}")

    def opened(self, url: str) -> Driver:
        """Return the driver that the core opens for *url*, without layers."""
        try:
            return self.store_type(url).open(self.target_of(url))
        except Exception as exc:  # noqa: BLE001 - whatever it is
            raise AssertionError(f"{url} {_outcome(exc)}") from None

    def store_type(self, url: str) -> StoreType:
        """Return the store type that the core finds for *url*."""
        return self.parsed(url)[0]

    def target_of(self, url: str) -> Target:
        """Return the target of *url*."""
        return self.parsed(url)[1]

    def parsed(self, url: str, *, environ: Any = None, folder: str = "") -> tuple[StoreType, Target]:
        """Return what the core makes of *url*."""
        from tailorsecrets.targets.urls import parse_url

        variables = dict(self.environ) if environ is None else environ
        return parse_url(url, folder or str(Path.cwd()), variables, create=True)

    def refusal(self, url: str, *, environ: Any = None, folder: str = "") -> Exception | None:
        """Return the exception of opening *url*, None where it opens."""
        try:
            kind, target = self.parsed(url, environ=environ, folder=folder)
            kind.open(target).close()
        except Exception as exc:  # noqa: BLE001 - which one it is is what the test is about
            return exc
        return None

    def store_types(self) -> list[StoreType]:
        """Return all store types of the plugin: those of ``module``, else the one behind the first URL."""
        module = import_module(self.module) if self.module else None
        hook = getattr(module, HOOK, None)
        return list(cast("Iterable[StoreType]", hook())) if hook else [self.store_type(self.urls[0])]

    def other_schemes(self) -> Iterable[tuple[str, str]]:
        """Yield (entry point, scheme) of the other installed plugins that can be loaded."""
        for point in entry_points(group=GROUP):
            if not self.module or point.value.partition(":")[0] == self.module:
                continue
            try:
                found = list(cast("Iterable[StoreType]", getattr(point.load(), HOOK)()))
            except Exception:  # noqa: BLE001, S112 - a broken plugin of others is not this one's fault
                continue
            for kind in found:
                yield point.name, kind.scheme


def _outcome(raised: Exception | None) -> str:
    return "opened" if raised is None else f"raised {type(raised).__name__}: {raised}"
