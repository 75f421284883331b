"""A ComfyUI server of this run's own: on loopback, on a free port, ended with the run."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..common.processes import ProcessTree
from .hosts import PACK, Host, HostError

END_SECONDS = 10.0
START_SECONDS = 180
WATCHDOG = PACK / "launch" / "parent_watchdog.py"


@dataclass(frozen=True)
class Server:
    """A running ComfyUI: its address, its log, its base and output folders and its process."""

    url: str
    log: Path
    base: Path
    output: Path
    process: subprocess.Popen


@contextmanager
def running_server(host: Host, base: Path, output: Path, extra: Sequence[str] = ()) -> Iterator[Server]:
    """Start `host` with the pack linked into `base`; the process ends when the block is left, however it is left.

    That includes this process being killed: the server watches for the end of it.

    base: the run's own base directory (models, input, user, temp). output: where results go. extra: more
    command-line arguments. Raises `HostError` with the end of the log when ComfyUI does not come up.
    """
    link_pack(base)
    output.mkdir(parents=True, exist_ok=True)
    log, port = base / "server.log", free_port()
    arguments = ["--listen", "127.0.0.1", "--port", str(port), "--base-directory", base, "--output-directory", output]
    arguments += ["--database-url", "sqlite:///:memory:", "--disable-auto-launch", "--disable-api-nodes", *extra]
    if models := user_models(host, base):
        arguments += ["--extra-model-paths-config", models]
    if not has_accelerator(host):
        # The host's own choice of attention without a GPU is several times slower than PyTorch's.
        arguments += ["--cpu", "--use-pytorch-cross-attention"]
    with log.open("wb") as sink:
        tree = ProcessTree(
            [host.python, WATCHDOG, host.root / "main.py", *arguments],
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=subprocess.STDOUT,
            folder=host.root,
            environment={**os.environ, "PYTHONUNBUFFERED": "1"},
            own_session=False,  # Ctrl+C at the terminal reaches ComfyUI as well
        )
        try:
            server = Server(f"http://127.0.0.1:{port}", log, base, output, tree.process)
            _wait_until_up(server)
            yield server
        finally:
            tree.end(END_SECONDS)
            tree.process.stdin.close()


def link_pack(base: Path) -> None:
    """Make `base`/custom_nodes/tilewright lead to this clone."""
    link = base / "custom_nodes" / "tilewright"
    if link.exists() and link.resolve() == PACK:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        import _winapi

        if link.is_junction() if hasattr(link, "is_junction") else os.path.lexists(link):
            link.rmdir()  # which takes the junction, not what it leads to
        _winapi.CreateJunction(str(PACK), str(link))  # unlike a symbolic link it needs no privilege
    else:
        link.unlink(missing_ok=True)
        link.symlink_to(PACK, target_is_directory=True)


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def has_accelerator(host: Host) -> bool:
    """Whether the host's torch sees a GPU of any make."""
    check = "import torch, sys; sys.exit(0 if torch.accelerator.is_available() else 1)"
    return subprocess.run([host.python, "-c", check], capture_output=True).returncode == 0


def user_models(host: Host, base: Path) -> Path | None:
    """Write into `base` where the user's own ComfyUI keeps its models; None where it is not the user's, or has none."""
    models = host.root / "models"
    if host.ours or not models.is_dir():
        return None
    config = base / "user_models.yaml"
    folders = {folder.name: folder.name for folder in sorted(models.iterdir()) if folder.is_dir()}
    config.write_text(json.dumps({"comfyui": {"base_path": str(models), **folders}}), encoding="utf-8")  # YAML too
    return config


def _wait_until_up(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise HostError(f"ComfyUI ended while starting. The end of {server.log}:\n{_tail(server.log)}")
        try:
            urllib.request.urlopen(f"{server.url}/system_stats", timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise HostError(f"ComfyUI did not answer within {START_SECONDS} s. The end of {server.log}:\n{_tail(server.log)}")


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
