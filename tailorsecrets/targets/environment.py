"""Environment variables that no repr shows."""

from collections.abc import Iterator, Mapping


class Environment(Mapping[str, str]):
    """The environment variables, without their values in repr: a traceback with locals does not show them."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        return f"<{len(self)} environment variables>"
