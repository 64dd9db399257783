"""Lists that a store gives page by page."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tailorsecrets.errors import Unavailable

T = TypeVar("T")


def walk_pages(page: Callable[[str], tuple[Iterable[T], str | None]]) -> Iterator[T]:
    """Yield the things of all pages, each page when it is needed.

    *page* gets the token of a page, "" for the first, and returns the things on it and the token of the next page; ""
    or None for no more. A failure of any page is raised: a list that ends early would show secrets as missing. A token
    that comes twice raises Unavailable, as the list would never end.
    """
    token, seen = "", set[str]()
    while True:
        things, following = page(token)
        yield from things
        if not following:
            return
        if following in seen:
            raise Unavailable("the store returns the same page of a list again and again")
        seen.add(following)
        token = following
