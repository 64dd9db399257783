"""Names and their native forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailorsecrets.errors import ConfigError, NameInvalid
from tailorsecrets.references.ref import SecretRef
from tailorsecrets.store.names import NAME_TAG, Naming, Place, check_names, is_name

FAMILIES = {
    "file": {"joiner": "/", "max_name": 512},
    "aws": {"joiner": "/", "max_name": 512, "prefix": "team/app"},
    "gcp": {"joiner": "_", "max_name": 255, "prefix": "my_app"},
    "azure": {"joiner": "--", "max_name": 127, "prefix": "app"},
    "vault folders": {"joiner": "/", "max_name": 512, "prefix": "kv/base"},
    "vault mounts": {"joiner": "/", "max_name": 512, "containers": True},
}
LETTERS = "abz019"
names = st.one_of(
    st.from_regex(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", fullmatch=True),
    st.builds(
        lambda first, middle, last: first + middle + last,
        st.sampled_from(LETTERS),
        st.text("-0a", min_size=1, max_size=61),
        st.sampled_from(LETTERS),
    ),
    st.sampled_from(["vaults", "vault", "123", "a--b", "a-0", "a-00", "a0-0b", "h" * 63, "a" + "-" * 61 + "b"]),
)
places = st.builds(Place, names, st.one_of(st.just(""), names))
families = st.sampled_from(sorted(FAMILIES))


def naming(family: str, workspace: str = "default") -> Naming:
    """Return the mapping of *family*."""
    return Naming(workspace, **FAMILIES[family])  # type: ignore[arg-type]


@given(families, names, places)
def test_reversible(family: str, workspace: str, place: Place) -> None:
    """Every place comes back from its native name and tags."""
    mapping = naming(family, workspace)
    assert place == mapping.place(mapping.native(place), mapping.tags(place))


@given(families, st.tuples(names, places), st.tuples(names, places))
def test_injective_under_case_folding(family: str, one: tuple[str, Place], other: tuple[str, Place]) -> None:
    """Two places have two native names, also where the store folds case."""
    natives = [naming(family, workspace).native(place).casefold() for workspace, place in (one, other)]
    assert (one == other) == (natives[0] == natives[1])


@given(families, names, places)
def test_never_leaves_the_prefix(family: str, workspace: str, place: Place) -> None:
    """A native name is under the prefix, within the store's length and alphabet, and under what is listed."""
    mapping = naming(family, workspace)
    native = mapping.native(place)
    prefix = str(FAMILIES[family].get("prefix", ""))
    assert native.startswith(prefix)
    assert len(native) <= mapping.max_name
    assert native.startswith(mapping.prefix_of())
    assert ".." not in native
    assert "//" not in native


@given(families, names, places)
def test_a_vaults_prefix_covers_its_secrets(family: str, workspace: str, place: Place) -> None:
    """What is listed for a vault holds all of its secrets."""
    mapping = naming(family, workspace)
    if place.secret:
        assert mapping.native(place).startswith(mapping.prefix_of(place.vault))


@given(st.sampled_from(["aws", "gcp", "vault folders"]), names, names, places, names)
def test_what_begins_as_records_do_is_a_record(
    family: str, workspace: str, other: str, place: Place, vault: str
) -> None:
    """All records of a workspace, and no other names, begin as one of them does: policies let deployers read those."""
    beginning = naming(family, workspace).native(Place(vault)).removesuffix(vault)
    ours, theirs = (naming(family, each).native(place).startswith(beginning) for each in (workspace, other))
    assert (ours, theirs) == (not place.secret, not place.secret and workspace == other)


@given(families, names, names, places)
def test_other_workspaces_are_foreign(family: str, workspace: str, other: str, place: Place) -> None:
    """A name of another workspace has no place here."""
    theirs = naming(family, other)
    found = naming(family, workspace).place(theirs.native(place), theirs.tags(place))
    assert found == (place if workspace == other else None)


@given(families, st.text(max_size=80))
def test_foreign_names_are_skipped(family: str, native: str) -> None:
    """Any text is a foreign name or the canonical name of its place."""
    mapping = naming(family)
    place = mapping.place(native, {})
    assert place is None or mapping.native(place) == native.lower()


@pytest.mark.parametrize(
    ("family", "secret", "record"),
    [
        ("file", "prod/api-keys/stripe", "prod/v/api-keys"),
        ("aws", "team/app/prod/api-keys/stripe", "team/app/prod/v/api-keys"),
        ("gcp", "my_app_prod_api-keys_stripe", "my_app_prod_v_api-keys"),
        ("azure", "app--prod--api-keys--stripe", "app--prod--v--api-keys"),
        ("vault folders", "kv/base/prod/api-keys/stripe", "kv/base/prod/v/api-keys"),
        ("vault mounts", "prod/api-keys/stripe", "prod/api-keys/v"),
    ],
)
def test_readable(family: str, secret: str, record: str) -> None:
    """Native names are readable by other tools."""
    mapping = naming(family, "prod")
    assert secret == mapping.native(Place("api-keys", "stripe"))
    assert record == mapping.native(Place("api-keys"))


def test_azure_escapes_only_double_hyphens() -> None:
    """On Azure a zero follows each hyphen that a hyphen or zero follows, so -- only separates."""
    assert naming("azure").native(Place("a--b", "c-0d")) == "app--default--a-0-b--c-00d"


def test_a_long_name_becomes_a_hash_with_the_whole_name_in_a_tag() -> None:
    """Over the store's length the native name is a hash, and another tag under it is foreign."""
    mapping, place = naming("azure"), Place("a" * 63, "b" * 63)
    assert mapping.native(place).startswith("app--h--")
    assert mapping.tags(place) == {NAME_TAG: f"default/{'a' * 63}/{'b' * 63}"}
    assert mapping.place(mapping.native(place), {NAME_TAG: "default/other/name"}) is None
    assert mapping.place(mapping.native(place), {}) is None


def test_containers() -> None:
    """A vault's own place is named after workspace and vault; other places are foreign."""
    mapping = naming("vault mounts")
    assert mapping.container("api-keys") == "default/api-keys"
    assert mapping.container_vault("default/api-keys/") == "api-keys"
    assert mapping.container_vault("staging/api-keys") is None
    assert mapping.container_vault("default/API") is None


@pytest.mark.parametrize(
    "name", ["ab", "a" * 64, "-ab", "ab-", "a_b", "Abc", "a.b", "a/b", "abc\n", "", None, 7, "äbc"]
)
def test_bad_names(name: object) -> None:
    """The grammar is 3 to 63 of a-z, 0-9 and inner hyphens."""
    assert not is_name(name)


@pytest.mark.parametrize("name", ["abc", "a--b", "123", "a" * 63])
def test_good_names(name: str) -> None:
    """Double hyphens and digits alone are legal."""
    assert is_name(name)


def test_all_bad_names_at_once() -> None:
    """One error lists every bad name, and the rule."""
    with pytest.raises(NameInvalid, match=r"vault name 'A'.*secret name 'b_c'") as caught:
        check_names([("vault", "A"), ("secret", "fine"), ("secret", "b_c")])
    assert "3 to 63" in caught.value.hint


def test_references_are_checked() -> None:
    """A reference to an impossible name is refused where it is written."""
    assert str(SecretRef("api-keys", "stripe")) == "api-keys/stripe"
    with pytest.raises(NameInvalid, match="'API'"):
        SecretRef("API", "stripe")
    for wrong in ("Bearer", "{} {}", "{0.__class__}{}", "{}{", "{{{}}}", "{0}"):
        with pytest.raises(ConfigError, match=r"api-keys/stripe: format must have one {} and no other"):
            SecretRef("api-keys", "stripe", wrong)


@pytest.mark.parametrize(("family", "prefix"), [("aws", "a/../b"), ("aws", "a b"), ("gcp", "a.b"), ("azure", "a_b")])
def test_impossible_prefixes(family: str, prefix: str) -> None:
    """A prefix that the store's names cannot have is refused."""
    with pytest.raises(ConfigError, match="prefix"):
        Naming("default", **(FAMILIES[family] | {"prefix": prefix}))  # type: ignore[arg-type]


def test_a_prefix_that_leaves_no_room_is_refused() -> None:
    """A prefix must leave room for the hash form."""
    with pytest.raises(ConfigError, match="too long"):
        Naming("default", joiner="--", max_name=127, prefix="a" * 100)


LONG_NAMES = ["a" * 63, "a" + "-" * 61 + "a", "a-" + "0" * 60 + "a"]  # the longest, and the longest when escaped


@pytest.mark.parametrize("joiner", ["/", "_", "--"])
def test_prefixes_near_the_longest_name(joiner: str) -> None:
    """Whatever the store's limit, every native name begins with the prefixes that are listed, hashed or not."""
    for max_name in range(90, 420):
        for name in LONG_NAMES:
            naming = Naming(name, joiner=joiner, max_name=max_name, prefix="team")
            for place in (Place(name, name), Place(name), Place("abc", "def")):
                native = naming.native(place)
                assert len(native) <= max_name
                assert native.startswith(naming.prefix_of()), (max_name, native)
                assert native.startswith(naming.prefix_of(place.vault)) or not place.secret
                assert naming.place(native, naming.tags(place)) == place


@pytest.mark.parametrize(("joiner", "longest"), [("/", 3 * 63 + 2), ("_", 3 * 63 + 2), ("--", 3 * 126 + 4)])
def test_the_shortest_prefix_that_covers_hashes(joiner: str, longest: int) -> None:
    """A store with room for every name is asked for one vault alone; one character less, and hashes are among it."""
    assert Naming("default", joiner=joiner, max_name=longest).prefix_of("abc") == f"default{joiner}abc{joiner}"
    assert Naming("default", joiner=joiner, max_name=longest - 1).prefix_of("abc") == ""


def test_a_store_that_folds_case() -> None:
    """The prefix is listed in lower case, and names come back in any."""
    naming = Naming("default", joiner="--", max_name=127, prefix="Team")
    assert naming.prefix_of() == "team--"
    assert naming.beginning("abc") == "team--default--abc--"
    assert naming.native(Place("abc", "key")) == "team--default--abc--key"
    assert naming.place("TEAM--Default--ABC--Key", {}) == Place("abc", "key")
    assert Naming("default", joiner="/", prefix="Team").place("team/default/abc/key", {}) is None
