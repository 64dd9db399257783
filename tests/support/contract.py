"""The promises on the page docs/contract.md, made from the conformance suite.

``python -m tests.support.contract`` writes them into the page, after its line PROMISES.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tailorsecrets.testing.conformance import Conformance
from tailorsecrets.testing.conformance.suite import Suite, all_tests

PAGE: Final = Path(__file__).parents[2] / "docs" / "contract.md"
PROMISES: Final = "<!-- The promises: made by `python -m tests.support.contract` -->\n"
TITLES: Final = {
    "Reading": ("read", "Reading"),
    "Writing": ("write", "Writing"),
    "Stamps": ("stamp", "Stamps and tags"),
    "Listing": ("list", "Listing"),
    "Deleting": ("delete", "Deleting, versions, containers"),
    "Failing": ("fail", "Failing"),
    "Honesty": ("honest", "Honesty"),
    "Opening": ("open", "Opening"),
    "Leaks": ("leak", "Leaks"),
    "Strain": ("strain", "Strain"),
}  # class of the suite -> its group and its title


def promises() -> str:
    """Return the section of all promises."""
    return "\n".join(lines())


def lines() -> Iterator[str]:
    """Yield a heading for each group, and a line for each of its tests."""
    for base in Conformance.__bases__:
        group, title = TITLES[base.__name__]
        yield f"\n### {title}\n\nThe group `{group}`: `pytest -k group_{group}`.\n"
        assert issubclass(base, Suite)
        for name, test in all_tests(base).items():
            words = " ".join((test.__doc__ or "").replace("``", "`").split())
            yield f'- <a id="{name.removeprefix("test_")}"></a>{words}'


if __name__ == "__main__":
    head = PAGE.read_text().partition(PROMISES)[0]
    PAGE.write_text(f"{head}{PROMISES}{promises()}\n")
