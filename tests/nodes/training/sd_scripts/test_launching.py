"""Which checkout and Python are run, with which command line and environment."""

import os
import sys
from pathlib import Path

import pytest
from tilewright.common.errors import InputError
from tilewright.sd_scripts.checkout import Interpreter, allowed_checkouts, find_checkout, find_python
from tilewright.sd_scripts.process import configured_precision, launched_command, script_command, script_environment

pytestmark = pytest.mark.slow


def make_environment(folder):
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return python


def test_the_checkout_beside_comfyui_is_found_without_being_named(tmp_path, checkout, monkeypatch):
    monkeypatch.delenv("SD_SCRIPTS_PATH")
    checkout.folder.rename(tmp_path / "sd-scripts")
    allowed = allowed_checkouts([tmp_path / "ComfyUI", tmp_path], [])
    assert find_checkout("", allowed) == tmp_path / "sd-scripts"


def test_a_workflow_can_only_name_what_the_user_has_allowed(tmp_path, checkout):
    evil = tmp_path / "downloads" / "sd-scripts" / "library"
    evil.mkdir(parents=True)
    (evil / "train_util.py").touch()
    with pytest.raises(InputError, match="outside the folders"):
        find_checkout(str(evil.parent), [checkout.folder])
    with pytest.raises(InputError, match="outside the folders"):
        find_python(str(evil), checkout.folder, [])
    (checkout.folder / "link").symlink_to(evil.parent)
    with pytest.raises(InputError, match="outside the folders"):
        find_python("link", checkout.folder, [])


def test_a_virtual_environment_in_the_checkout_goes_before_a_folder_of_packages(checkout):
    assert find_python("", checkout.folder, []) == Interpreter(Path(sys.executable), checkout.folder / "packages")
    python = make_environment(checkout.folder / "venv")
    assert find_python("", checkout.folder, []) == Interpreter(python)
    assert find_python("packages", checkout.folder, []).packages == checkout.folder / "packages"


def test_the_users_own_setting_may_lie_anywhere(tmp_path, checkout, monkeypatch):
    python = make_environment(tmp_path / "elsewhere")
    monkeypatch.setenv("SD_SCRIPTS_PYTHON", str(tmp_path / "elsewhere"))
    assert find_python("", checkout.folder, []) == Interpreter(python)


def test_a_checkout_without_any_python_says_so(checkout):
    (checkout.folder / "packages").rmdir()
    with pytest.raises(InputError, match="has no Python of its own"):
        find_python("", checkout.folder, [])


def test_a_command_is_a_list_in_which_nothing_needs_quoting():
    interpreter = Interpreter(Path("/a b/python"))
    command = script_command(interpreter, Path("/ü c/train_network.py"), ["--config_file", 'x"; rm -rf'])
    assert command == ["/a b/python", "-u", "/ü c/train_network.py", "--config_file", 'x"; rm -rf']


def test_accelerate_is_given_no_settings_but_the_threads():
    interpreter = Interpreter(Path("python"))
    launched = launched_command(interpreter, Path("train_network.py"), ["--v2"], threads=0)
    assert launched == ["python", "-u", "-m", "accelerate.commands.launch", "train_network.py", "--v2"]
    assert "--num_cpu_threads_per_process" in launched_command(interpreter, Path("train_network.py"), [], threads=3)


def test_the_environment_keeps_the_device_and_loses_the_hosts_python():
    host = {"PATH": "/bin", "CUDA_VISIBLE_DEVICES": "1", "PYTHONPATH": "/x", "PYTHONHOME": "/y", "VIRTUAL_ENV": "/z"}
    host |= {"RANK": "3", "PYTORCH_CUDA_ALLOC_CONF": "backend:cudaMallocAsync", "ACCELERATE_USE_CPU": "true"}
    own = script_environment(host, Interpreter(Path("python")), threads=2)
    assert {"PATH", "CUDA_VISIBLE_DEVICES"} <= own.keys()
    assert (
        not {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "RANK", "PYTORCH_CUDA_ALLOC_CONF", "ACCELERATE_USE_CPU"}
        & own.keys()
    )
    assert own["OMP_NUM_THREADS"] == "2"


@pytest.mark.parametrize(
    "written, precision", [("bf16", "bfloat16"), ("no", "float32"), ("'no'", "float32"), ("fp8", None)]
)
def test_the_precision_of_accelerates_configuration(tmp_path, written, precision):
    file = tmp_path / "accelerate" / "default_config.yaml"
    file.parent.mkdir()
    file.write_text(f"distributed_type: MULTI_GPU\nmixed_precision: {written}\nnum_processes: 2\n")
    assert configured_precision({"HF_HOME": str(tmp_path)}) == precision
    assert configured_precision({"HF_HOME": str(tmp_path / "none")}) is None


def test_accelerate_launches_the_script_with_the_users_configuration(
    tmp_path, checkout, output, checkpoints, dataset, monkeypatch
):
    pytest.importorskip("accelerate")
    from tilewright.nodes.training.train_sd_scripts import TrainLoraKohya

    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    config = tmp_path / "hf" / "accelerate" / "default_config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(
        "compute_environment: LOCAL_MACHINE\ndistributed_type: 'NO'\nmixed_precision: bf16\nnum_machines: 1\n"
        "num_processes: 1\nuse_cpu: true\nmachine_rank: 0\ndebug: false\n"
    )
    inputs = {"dataset": dataset, "checkpoint": "SD1.safetensors", "name": "launched", "steps": 2, "batch_size": 1}
    inputs |= {"resolution": 64, "rank": 2, "alpha": 2.0, "learning_rate": 1e-4, "seed": 0, "threads": 1}
    _, path, _, _ = TrainLoraKohya.execute(**inputs, accelerate=True).result
    assert os.path.isfile(path)
    assert checkout.trainings[0]["settings"]["mixed_precision"] == "bf16"
