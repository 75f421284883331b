"""The user's sd-scripts: where the checkout is, which Python runs it, and whether its arguments fit its version.

A workflow may name only what the user has allowed: these folders hold code that is run.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..common.errors import InputError
from ..common.paths import resolve_inside

FOLDER_SETTING = "SD_SCRIPTS_PATH"
PYTHON_SETTING = "SD_SCRIPTS_PYTHON"
CONFIG_KEY = "tilewright_sd_scripts"  # in extra_model_paths.yaml: more folders that checkouts may lie in
FOLDER_NAME = "sd-scripts"
_MARK = Path("library", "train_util.py")
_ENVIRONMENTS = ("venv", ".venv", "env")
_PACKAGES = "packages"
INSTALLATION = "The help page of this node says in five lines how to install it beside ComfyUI."


@dataclass(frozen=True)
class Interpreter:
    """A Python to run the scripts with. packages is a folder that goes before its own packages, or None."""

    python: Path
    packages: Path | None = None

    def __str__(self) -> str:
        return f"{self.python} with the packages of {self.packages}" if self.packages else str(self.python)

    @property
    def install_command(self) -> str:
        """How the user adds a package to it."""
        target = f' --target "{self.packages}" --no-deps' if self.packages else ""
        return f'"{self.python}" -m pip install{target}'


def allowed_checkouts(beside: Sequence[Path], configured: Sequence[Path]) -> list[Path]:
    """The folders that may hold a checkout: by `SD_SCRIPTS_PATH`, as `configured`, or named sd-scripts in `beside`."""
    from_environment = [Path(os.environ[FOLDER_SETTING])] if os.environ.get(FOLDER_SETTING) else []
    return list(dict.fromkeys([*from_environment, *configured, *(folder / FOLDER_NAME for folder in beside)]))


def find_checkout(name: str, allowed: Sequence[Path]) -> Path:
    """The checkout at `name`, "" for the first that is there. Raises `InputError` for one that is not `allowed`."""
    variable = os.environ.get(FOLDER_SETTING)
    if variable and not (Path(variable) / _MARK).is_file():
        raise InputError(
            f"The variable {FOLDER_SETTING} is {variable}, which is not a checkout of sd-scripts: it holds no "
            f"{_MARK.as_posix()}. Correct it, or leave it out, and restart ComfyUI."
        )
    if name.strip():
        folder = resolve_inside(name, allowed, "sd_scripts", CONFIG_KEY)
        if not (folder / _MARK).is_file():
            raise InputError(
                f"{folder} is not a checkout of sd-scripts: it holds no {_MARK.as_posix()}. {INSTALLATION}"
            )
        return folder
    folder = next((folder for folder in allowed if (folder / _MARK).is_file()), None)
    if folder is None:
        looked = "\n".join(f"  {folder}" for folder in allowed)
        raise InputError(f"There is no checkout of sd-scripts. {INSTALLATION} Looked in:\n{looked}")
    return folder.resolve()


def find_python(name: str, checkout: Path, allowed: Sequence[Path]) -> Interpreter:
    """The Python at `name`: a virtual environment, or a folder of packages for the Python that runs this.

    "" takes `SD_SCRIPTS_PYTHON`, else the environment or the folder `packages` in the checkout. Raises `InputError`.
    """
    if name.strip():
        return _interpreter_at(resolve_inside(name, list(dict.fromkeys([checkout, *allowed])), "python", CONFIG_KEY))
    if os.environ.get(PYTHON_SETTING):
        return _interpreter_at(Path(os.environ[PYTHON_SETTING]), f"The variable {PYTHON_SETTING} is ")
    found = next((checkout / name for name in _ENVIRONMENTS if _python_in(checkout / name)), checkout / _PACKAGES)
    if not found.is_dir():
        raise InputError(
            f"{checkout} has no Python of its own: neither a virtual environment {checkout / _ENVIRONMENTS[0]} nor a "
            f"folder of packages {checkout / _PACKAGES}. {INSTALLATION}"
        )
    return _interpreter_at(found)


def _interpreter_at(place: Path, whence: str = "") -> Interpreter:
    if place.is_file() and place.stem.lower().startswith("python"):
        return Interpreter(place)
    if python := _python_in(place):
        return Interpreter(python)
    if place.is_dir():
        return Interpreter(Path(sys.executable), place)
    raise InputError(
        f"{whence}{place}{', which is' if whence else ' is'} no Python. Give the folder of a virtual environment, or a "
        "folder that packages were installed to with pip install --target."
    )


def _python_in(environment: Path) -> Path | None:
    places = (environment / "bin" / "python", environment / "Scripts" / "python.exe")
    return next((place for place in places if place.is_file()), None)
