"""The pack's own structure, read off its source: rooms (top folders), floors, who imports whom, how long things are.

Standard library only. tests/test_house.py holds the rules against it; `python run.py architecture` draws it.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

STAGES = ("dataset", "captions", "training", "sd_scripts", "evaluation", "sets", "seamless", "upscale")
FLOORS = (
    ("common",),
    ("material",),
    STAGES,
    ("host",),
    ("launch", "nodes"),
    ("run", "install", "__init__"),
)  # from the ground up
SIDEWAYS = {("sd_scripts", "training")}  # the one arrow between two stages
NOT_SOURCE = {"tests", "output", "workflows", "web", "docs"}

Module = tuple[str, ...]


@dataclass(frozen=True)
class Function:
    """A function or method: its name, its first line, and how many lines it has."""

    name: str
    line: int
    lines: int


class House:
    """The Python sources below `root`, parsed once."""

    def __init__(self, root: Path):
        self.root = root
        self.sources = sorted(file for file in root.rglob("*.py") if self._parts(file)[0] not in NOT_SOURCE)
        self.trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in self.sources}

    def _parts(self, source: Path) -> Module:
        return source.relative_to(self.root).with_suffix("").parts

    def room(self, source: Path) -> str:
        """The top folder of a file, or its own name where it stands at the root."""
        return self._parts(source)[0]

    def module(self, source: Path) -> Module:
        """The dotted name of a file as a tuple; that of a package for its __init__."""
        parts = self._parts(source)
        return parts[:-1] if parts[-1] == "__init__" else parts

    @cached_property
    def modules(self) -> dict[Module, Path]:
        return {self.module(source): source for source in self.sources}

    def outside_imports(self, source: Path) -> Iterator[tuple[str, bool]]:
        """(module, whether at the top of the file) of every absolute import."""
        for node in ast.walk(self.trees[source]):
            top = node in self.trees[source].body
            if isinstance(node, ast.Import):
                yield from ((name.name, top) for name in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield node.module or "", top

    def imports(self, source: Path) -> set[Path]:
        """The pack's own files that a file imports, itself left out."""
        name = self.module(source)
        package = name if source.name == "__init__.py" else name[:-1]
        found = set()
        for node in ast.walk(self.trees[source]):
            if not isinstance(node, ast.ImportFrom) or not (node.level or (node.module or "").startswith("launch")):
                continue
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = (*above, *(node.module or "").split(".")) if node.module else above
            for imported in node.names:
                found.add(self.modules.get((*base, imported.name)) or self.modules[base])
        return found - {source}

    def loads(self, source: Path) -> set[Path]:
        """What is run before a file: its imports, and the packages that these lie in and it does not."""
        found, own = self.imports(source), self.module(source)
        inside = {module[:length] for module in map(self.module, found) for length in range(1, len(module))}
        packages = (self.modules.get(package) for package in inside if own[: len(package)] != package)
        return {*found, *(package for package in packages if package)} - {source}

    def functions(self, source: Path) -> list[Function]:
        """Every function and method of a file, nested ones too."""
        found = (
            node for node in ast.walk(self.trees[source]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        )
        return [Function(node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1) for node in found]

    def arrows(self) -> Counter[tuple[str, str]]:
        """How many imports lead from one room into another."""
        pairs = ((self.room(source), self.room(file)) for source in self.sources for file in self.imports(source))
        return Counter(pair for pair in pairs if pair[0] != pair[1])

    def circles(self) -> list[Path]:
        """The files that import themselves round a circle, or are imported by such ones only."""
        waiting = {source: self.loads(source) for source in self.sources}
        while free := {source for source, imported in waiting.items() if not imported & waiting.keys()}:
            waiting = {source: imported for source, imported in waiting.items() if source not in free}
        return sorted(waiting)


def floor(room: str) -> int:
    """The height of a room's floor, from 0 for `common`."""
    return next(height for height, rooms in enumerate(FLOORS) if room in rooms)
