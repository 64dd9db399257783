"""Imports from source alone: bytecode is not read and not written, so no edit is missed and no value is left in a file.

Python takes bytecode for current by the whole second and the size of its source. A config edited within a second, or
with its time kept, would run as it was before.
"""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType


class SourceLoader(SourceFileLoader):
    """Compiles the source again at each import."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the source as it is now."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _FolderFinder:
    """Finds the modules and packages of one folder.

    The base class of finders would load temporary files and archives: a twentieth of a short command.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._found: set[str] = set()  # top-level names; a virtual environment in the folder is not among them

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module of the folder, None for any other."""
        if path is not None and fullname.partition(".")[0] not in self._found:
            return None
        spec = PathFinder.find_spec(fullname, [self._folder] if path is None else path, target)
        if spec is None:
            return None
        self._found.add(fullname.partition(".")[0])
        if type(spec.loader) is SourceFileLoader:
            spec.loader = SourceLoader(fullname, spec.loader.path)
            spec.cached = None
        return spec


@contextmanager
def source_imports(folder: str) -> Generator[None]:
    """Let the modules and packages in *folder* be imported first, and from their source."""
    finder = _FolderFinder(folder)
    names = [getattr(other, "__name__", "") for other in sys.meta_path]
    sys.meta_path.insert(names.index("PathFinder") if "PathFinder" in names else len(names), finder)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        sys.meta_path.remove(finder)
