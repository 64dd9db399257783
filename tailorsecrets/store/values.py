"""Values on their way to a driver and back: checked, escaped, and under the name that they were written for."""

from collections.abc import Mapping

from tailorsecrets.driver import Caps, Entry, Stored
from tailorsecrets.errors import Corrupt, NameInvalid, SecretsError, TooLarge, ValueInvalid
from tailorsecrets.secret import Secret
from tailorsecrets.store import encoding
from tailorsecrets.store.names import NAME_TAG, ExternalName, Naming, Place


class Values:
    """The values of a store with *caps*; those in *external* are read unchanged."""

    def __init__(self, caps: Caps, naming: Naming, external: Mapping[Place, ExternalName]) -> None:
        self._caps, self._naming, self._external = caps, naming, external

    def problem(self, place: Place, value: Secret) -> SecretsError | None:
        """Return why the store cannot hold *value* at *place*, None where it can."""
        if self._naming.tags(place) and not self._caps.tags:
            longest = self._caps.max_name
            return NameInvalid(f"the names are too long for the store: together they have over {longest} characters")
        kind: type = type(value.reveal())  # an untyped program may pass anything
        if not issubclass(kind, str):
            return ValueInvalid(f"expected text, got {kind.__name__}")
        if not encoding.is_text(value):
            return ValueInvalid("the value is not valid UTF-8: it holds a lone surrogate")
        if encoding.size(self.encoded(value)) > self._caps.max_bytes:
            return TooLarge(f"the value is over the store's limit of {self._caps.max_bytes} bytes")
        return None

    def escapes(self, value: Secret) -> bool:
        """Tell whether the store gets *value* in its escaped form."""
        return encoding.needs_escape(value, empty=self._caps.empty)

    def encoded(self, value: Secret) -> Secret:
        """Return what the store gets for *value*."""
        return encoding.escape(value, empty=self._caps.empty)

    def decoded(self, place: Place, stored: Stored) -> Stored:
        """Return the value that *stored* stands for; Corrupt for one that cannot be of *place*."""
        if not self.has_name(place, stored.entry):
            hint = "tailorsecrets apply writes it again"
            raise Corrupt("another tool replaced the tag that held its full name", hint=hint)
        if not encoding.is_text(stored.value):
            raise Corrupt("it holds a lone surrogate, which is not text")
        if place in self._external:
            return stored
        return Stored(encoding.unescape(stored.value, empty=self._caps.empty), stored.entry)

    def has_name(self, place: Place, entry: Entry) -> bool:
        """Tell whether *entry* has the tag with its full name, without which a list does not show a hashed name."""
        if place in self._external:
            return True
        tags = self._naming.tags(place)
        return not tags or entry.tags.get(NAME_TAG) == tags[NAME_TAG]
