import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml
from tilewright.launch.hosts import PACK, Host, HostError
from tilewright.launch.server import free_port, link_pack, running_server, user_models

pytestmark = pytest.mark.slow


def test_a_free_port_can_be_listened_on():
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_the_pack_is_linked_once_and_a_stale_link_is_replaced(tmp_path):
    link = tmp_path / "custom_nodes" / "tilewright"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "moved away")
    link_pack(tmp_path)
    link_pack(tmp_path)
    assert link.resolve() == PACK


def test_the_users_own_models_are_offered_whatever_their_folder_is_called(tmp_path):
    models = tmp_path / "Jane's: models ü" / "models"
    (models / "checkpoints").mkdir(parents=True)
    config = user_models(Host(models.parent, Path(sys.executable), ours=False), tmp_path)
    told = yaml.safe_load(config.read_text(encoding="utf-8"))
    assert told == {"comfyui": {"base_path": str(models), "checkpoints": "checkpoints"}}
    assert user_models(Host(models.parent, Path(sys.executable), ours=True), tmp_path) is None


def test_a_comfyui_that_dies_while_starting_is_reported_with_its_last_words(tmp_path):
    (tmp_path / "main.py").write_text("raise SystemExit('the models folder is on fire')")
    host = Host(tmp_path, Path(sys.executable), ours=True)
    with pytest.raises(HostError, match="the models folder is on fire"):
        with running_server(host, tmp_path / "base", tmp_path / "output"):
            pass


STANDIN_SERVER = """
import http.server, os, pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=os.name != "nt")
pathlib.Path("pids").write_text(f"{os.getpid()} {child.pid}")
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.SimpleHTTPRequestHandler.do_GET = lambda self: self.send_response(200) or self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def host(tmp_path):
    """A stand-in for ComfyUI that takes its arguments and answers requests; it notes its process id and that of a child
    in a session of its own, as a training script has."""
    (tmp_path / "main.py").write_text(STANDIN_SERVER)
    return Host(tmp_path, Path(sys.executable), ours=True)


def test_the_server_is_ended_with_the_block(host, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with running_server(host, tmp_path / "base", tmp_path / "output") as server:
            assert server.process.poll() is None
            raise KeyboardInterrupt
    assert server.process.poll() is not None
    wait_for_the_end_of_the_server(tmp_path)


COMMAND = """
import sys
from pathlib import Path
from launch.run_module import name_pack

name_pack()
from tilewright.launch.hosts import Host
from tilewright.launch.server import running_server
from tilewright.launch.terminal import end_politely, say

end_politely()
folder = Path(sys.argv[1])
with running_server(Host(folder, Path(sys.executable), ours=True), folder / "base", folder / "output") as server:
    say("up")
    server.process.wait()
"""


@pytest.fixture
def command(host, tmp_path):
    """A process that keeps such a server running."""
    arguments = [sys.executable, "-c", COMMAND, tmp_path]
    process = subprocess.Popen(arguments, cwd=PACK, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "up\n"
    yield process
    process.kill()
    process.wait()


def wait_for_the_end_of_the_server(folder):
    """And of what it started."""
    processes = [
        psutil.Process(int(pid)) for pid in (folder / "pids").read_text().split() if psutil.pid_exists(int(pid))
    ]
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to send")
def test_a_command_that_is_told_to_end_takes_its_server_along(command, tmp_path):
    command.terminate()
    assert command.wait(30) == 143
    wait_for_the_end_of_the_server(tmp_path)


def test_a_command_that_is_killed_takes_its_server_along(command, tmp_path):
    command.kill()
    command.wait(30)
    wait_for_the_end_of_the_server(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="a process cannot become another one there")
def test_what_run_py_runs_is_run_py_itself_and_dies_with_it():
    script = """
import sys
from pathlib import Path
import run
sys.exit(run.as_python(run.Host(Path("/comfyui"), Path(sys.executable), ours=True), "-c",
    "import os; print(os.getpid(), os.environ['COMFYUI_PATH'], os.getcwd()); raise SystemExit(7)"))
"""
    process = subprocess.Popen([sys.executable, "-c", script], cwd=PACK, stdout=subprocess.PIPE, text=True)
    assert process.communicate()[0].split() == [str(process.pid), "/comfyui", str(PACK)]
    assert process.returncode == 7
