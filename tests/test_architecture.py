"""A module imports from rooms above it in the list of docs/design.md, never from below."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "handful"
ROOMS = [
    "errors",
    "settings",
    "files",
    "workers",
    "data",
    "costs",
    "scoring",
    "backbones",
    "audit",
    "nets",
    "strategies",
    "protocol",
    "evidence",
    "model",
    "report",
    "making",
]
DOORS = {
    "__init__",
    "__main__",
    "cli",
    "fit",
    "estimator",
    "example",
}


def imports(path: Path) -> set[str]:
    """The rooms of handful that a file imports from."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == "handful":
                rooms |= {alias.name for alias in node.names}
            elif node.module and node.module.startswith("handful."):
                rooms.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            rooms |= {a.name.split(".")[1] for a in node.names if a.name.startswith("handful.")}
    return rooms - {"__version__"}


FILES = sorted(
    p for p in SOURCE.rglob("*.py") if p.relative_to(SOURCE).parts[0].removesuffix(".py") not in DOORS
)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_room_imports_only_from_rooms_above_it(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    below = {other for other in imports(path) if ROOMS.index(other) > ROOMS.index(room)}
    assert not below, f"{room} imports from {below}, which lies below it"


def test_every_room_is_on_the_list() -> None:
    there = {
        p.name.removesuffix(".py")
        for p in SOURCE.iterdir()
        if p.suffix == ".py" or (p / "__init__.py").exists()
    }
    assert there - DOORS <= set(ROOMS)


@pytest.mark.parametrize("statement", ["import handful", "import handful.cli"])
def test_import_is_light(statement: str) -> None:
    heavy = "{'torch', 'sklearn', 'pandas', 'onnxruntime', 'matplotlib'}"
    code = f"import sys; {statement}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_fit_is_the_function_also_after_its_module_was_imported() -> None:
    code = "import handful, handful.fit; from handful.fit import FitRun; print(callable(handful.fit))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
