"""What a script of the checkout imports, and what of it is missing in the Python that runs it."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .checkout import Interpreter

PROBE_SECONDS = 60
_PROBE = """
import importlib.util, json, sys
packages, *modules = sys.argv[1:]
sys.path[:0] = [packages] if packages else []
print(json.dumps([name for name in modules if importlib.util.find_spec(name) is None]))
"""
_DISTRIBUTIONS = {  # where a module's name is not its package's
    "PIL": "pillow",
    "cv2": "opencv-python",
    "lycoris": "lycoris-lora",
    "prodigyplus": "prodigy-plus-schedule-free",
    "yaml": "pyyaml",
}
_KNOWN = (  # packages that the scripts name in their own messages, or that the user has to choose a build of
    "bitsandbytes", "dadaptation", "lion-pytorch", "lycoris-lora", "opencv-python", "prodigy-plus-schedule-free",
    "prodigyopt", "pytorch-optimizer", "schedulefree", "tensorboard", "torch", "torchvision", "xformers",
)  # fmt: skip


def missing_modules(interpreter: Interpreter, script: Path) -> list[str]:
    """The modules outside the checkout that `script` imports as it starts and `interpreter` lacks, sorted.

    [] where that Python does not start.
    """
    wanted = sorted(needed_modules(script))
    command = [str(interpreter.python), "-c", _PROBE, str(interpreter.packages or ""), *wanted]
    try:
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_SECONDS)
        return json.loads(answer.stdout) if answer.returncode == 0 else []
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return []


def needed_modules(script: Path) -> set[str]:
    """The top-level modules that `script` imports as it starts, itself or through files of its checkout.

    What stands in a function or in a try may be missing, and is left out; so are the checkout's own and Python's.
    """
    root, waiting, read = script.parent, [script], set()
    found: set[str] = set()
    while waiting:
        file = waiting.pop()
        if file in read:
            continue
        read.add(file)
        for name in _imports(file, root):
            if is_own(name, root):
                waiting += _own_files(name, root)
            else:
                found.add(name.split(".")[0])
    return found - set(sys.stdlib_module_names)


def is_own(module: str, checkout: Path) -> bool:
    """Whether a module of that dotted name would be one of the checkout's own."""
    top = module.split(".")[0]
    return (checkout / top).is_dir() or (checkout / f"{top}.py").is_file()


def requirements(modules: Sequence[str], checkout: Path) -> list[str]:
    """What to hand to pip for `modules`: the checkout's own requirement, else a package known to hold the module.

    A module that neither knows is left out: someone else's package may have its name.
    """
    required = _stated_requirements(checkout)
    names = {module: _normal(_DISTRIBUTIONS.get(module, module)) for module in modules}
    listed = (required.get(name, name if name in _KNOWN else None) for name in names.values())
    return list(dict.fromkeys(one for one in listed if one))


def _stated_requirements(checkout: Path) -> dict[str, str]:
    file = checkout / "requirements.txt"
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    wanted = (line.split("#")[0].split(";")[0].strip() for line in lines)
    return {_normal(re.split(r"[\[<>=!~ ]", line)[0]): line for line in wanted if line and not line.startswith("-")}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imports(file: Path, root: Path) -> Iterator[str]:
    """Dotted names, those of `from a import b` both as a and as a.b."""
    try:
        body = ast.parse(file.read_text(encoding="utf-8", errors="replace")).body
    except SyntaxError:
        return
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = file.parents[node.level - 1].relative_to(root).parts if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ([base] if base else [])
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)


def _own_files(name: str, root: Path) -> list[Path]:
    place = root.joinpath(*name.split("."))
    return [file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]
