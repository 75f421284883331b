"""What is read of a script: its --help, its progress, the end of its output."""

import sys
from pathlib import Path

import pytest
from tilewright.sd_scripts.checkout import Interpreter
from tilewright.sd_scripts.error_hints import Attempt, cause_of
from tilewright.sd_scripts.extra_arguments import parse_usage, split_arguments
from tilewright.sd_scripts.output import ScriptOutput
from tilewright.sd_scripts.packages import needed_modules
from tilewright.sd_scripts.run_folder import Leg, RunFolder

USAGE = """usage: train_network.py [-h] [--v2] [--resolution RESOLUTION]
                        [--save_precision {None,float,fp16,bf16}]
                        [--network_args [NETWORK_ARGS ...]]
                        [--seed SEED]

options:
  -h, --help            show this help message and exit
  --v2                  load Stable Diffusion v2.0 model, see [--not_one]
"""


def reading(*lines):
    read = ScriptOutput()
    for line in lines:
        read.read(line)
    return read


def test_a_help_says_what_each_argument_takes():
    known = parse_usage(USAGE)
    assert set(known) == {"v2", "resolution", "save_precision", "network_args", "seed"}
    assert known["v2"].values == "" and known["seed"].values == "SEED"
    assert known["save_precision"].choices == ["None", "float", "fp16", "bf16"]
    assert known["network_args"].takes_many and not known["seed"].takes_many


def test_arguments_are_split_as_on_a_command_line():
    text = '--network_args "a=1" b=2\n--scale-weight-norms=1 --v2'
    assert split_arguments(text) == [["network_args", "a=1", "b=2"], ["scale_weight_norms", "1"], ["v2"]]


def test_progress_is_read_off_the_bars_frames():
    read = reading(
        "  num batches per epoch / 1epochのバッチ数: 7",
        "  gradient accumulation steps / 勾配を合計するステップ数 = 2",
        "steps:   0%|          | 0/9 [00:00<?, ?it/s]",
        "steps:  11%|#1        | 1/9 [00:03<00:28,  3.54s/it]",
        "steps:  11%|#1        | 1/9 [00:03<00:28,  3.54s/it, avr_loss=0.5]",
        "steps:  33%|###3      | 3/9 [00:09<00:18,  3.1s/it, avr_loss=0.25]2026-11-21 10:38:16 INFO     saving",
    )
    assert (read.step, read.total, read.steps_per_epoch) == (3, 9, 4)
    assert read.losses == [0.5, 0.25, 0.25] and not read.diverged


def test_the_bars_of_validation_and_samples_are_not_steps():
    read = reading(
        "validation steps: 100%|##########| 4/4 [00:01<00:00, 3it/s, val_avg_loss=0.125, timestep=800]",
        " 50%|#####     | 1/2 [00:04<00:04,  4.15s/it]",
    )
    assert (read.step, read.total) == (0, 0)
    assert read.validation == [(0, 0.125)]


def test_a_loss_that_is_no_number_is_seen():
    assert reading("steps:  10%|#         | 1/9 [00:03<00:28, 3.54s/it, avr_loss=nan]").diverged


def test_the_steps_of_a_resumed_run_are_counted_on():
    exact = Leg(start=5, end=9)
    assert [exact.step_of(2, 4), exact.step_of_epoch(1, 4), exact.end_of(4)] == [7, 9, 9]
    counting = Leg(start=5, end=9, counts_on=True, skips=True)  # sd-scripts begins in the second epoch, at its step 1
    assert [counting.step_of(2, 4), counting.step_of_epoch(2, 4)] == [6, 8]


def test_what_a_killed_process_left_is_not_taken_for_the_next_ones(tmp_path):
    run = RunFolder(tmp_path / "run", tmp_path / "loras" / "a.safetensors", {})
    (run.scripts / "a-step00000004-state").mkdir(parents=True)
    (run.scripts / "a-step00000004.safetensors").touch()
    (run.scripts / "sample").mkdir()
    (run.scripts / "sample" / "kept.png").touch()
    run.begin_leg()
    assert [file.name for file in run.scripts.rglob("*")] == ["sample", "kept.png"]  # not whole: it is taken over later


@pytest.mark.parametrize(
    "line, words",
    [
        ("ModuleNotFoundError: No module named 'lycoris'", 'pip install --target "packages" --no-deps lycoris-lora'),
        ("ModuleNotFoundError: No module named 'networks.nothere'", "The checkout has no module networks.nothere"),
        ("ModuleNotFoundError: No module named 'strange'", "requirements.txt does not name it"),
        ("ModuleNotFoundError: No module named 'library.train_util'", "Clone it again"),
        ("ImportError: No bitsandbytes / bitsandbytesがインストールされていないようです", "bitsandbytes is missing"),
        ("RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory: 123", "Lower batch_size"),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("train_network.py: error: unrecognized arguments: --colour", "unrecognized arguments: --colour"),
        (
            "OSError: Can't load tokenizer for 'openai/clip-vit-large-patch14'. If you",
            "cache/openai_clip-vit-large-patch14",
        ),
        ("AttributeError: module 'torch.optim' has no attribute 'Nope'", "has no attribute 'Nope'."),
        ("Something else", "ended with code 1"),
    ],
)
def test_the_cause_of_a_crash(tmp_path, line, words):
    (tmp_path / "networks").mkdir()
    attempt = Attempt(script_of(tmp_path, ""), Interpreter(Path(sys.executable), Path("packages")), "cache")
    told = cause_of(["Traceback (most recent call last):", line], 1, attempt)
    assert words in told and told.endswith(f"  {line}")


def script_of(checkout, text):
    (checkout / "train_network.py").write_text(text)
    return checkout / "train_network.py"


def test_all_missing_packages_are_told_at_once_in_the_checkouts_own_words(tmp_path):
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "train_util.py").write_text("import nosuch_toml\nimport cv2, json\nfrom . import more\n")
    (tmp_path / "library" / "more.py").write_text(
        "import nosuch_diffusers.pipelines\ntry:\n    import nosuch_xformers\nexcept ImportError:\n    pass\n"
        "def later():\n    import nosuch_later\n"
    )
    (tmp_path / "requirements.txt").write_text("nosuch-diffusers[torch]==0.32.1\n# a note\nNoSuch_toml==0.10.2\n-e .\n")
    script = script_of(tmp_path, "from library import train_util\nimport nosuch_toml\n")
    assert needed_modules(script) == {"nosuch_toml", "nosuch_diffusers", "cv2"}
    attempt = Attempt(script, Interpreter(Path(sys.executable)))
    told = cause_of(["ModuleNotFoundError: No module named 'nosuch_toml'"], 1, attempt)
    assert "The packages nosuch_toml and nosuch_diffusers are missing in" in told
    assert '-m pip install NoSuch_toml==0.10.2 "nosuch-diffusers[torch]==0.32.1"' in told


def test_a_wrong_argument_is_told_without_the_usage():
    lines = ["usage: train_network.py [-h]", "    [--seed SEED]", "train_network.py: error: argument --seed: bad"]
    told = cause_of(lines, 2, Attempt(Path("train_network.py"), Interpreter(Path(sys.executable))))
    assert "It does not take an argument: argument --seed: bad" in told and "usage" not in told


def test_what_the_script_says_before_the_first_step_is_told_in_its_own_words():
    read = reading(
        "2026-01-01 00:00:00 INFO     loading u-net: <All keys matched>     model_util.py:1009",
        "                    INFO     loading VAE / VAEを読み込み中     model_util.py:1012",
    )
    assert read.doing == "loading VAE"
    read.read(" 50%|#####     | 1/2 [00:04<00:04,  4.15s/it]")
    assert read.doing == "loading VAE"


def test_the_loss_of_textual_inversion_is_read_by_its_own_name():
    read = reading("steps:  10%|#         | 1/9 [00:03<00:28, 3.54s/it, loss=1.34]")
    assert read.average == 1.34 and read.losses == [1.34]
    assert reading("steps:  10%|#         | 1/9 [00:03<00:28, 3.54s/it, loss=nan]").diverged
