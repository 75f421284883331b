"""Which of the user's arguments reach the script: a list of what is known to be harmless decides."""

import json

import pytest
from sd_scripts_stand_in.checkout import ARGUMENTS
from tilewright.common.errors import InputError
from tilewright.sd_scripts.extra_arguments import TEXTS, VALUES, WORDS, Argument, check_arguments, split_arguments

LISTED = json.loads(ARGUMENTS.read_text(encoding="utf-8"))["arguments"]
NOT_TAKEN = {  # switches and choices that do send, write elsewhere or open windows, or that the node sets
    "async_upload", "debug_dataset", "log_config", "log_with", "model_type", "output_config", "resume_from_huggingface",
    "save_model_as", "save_state_to_huggingface",
}  # fmt: skip


def usage(facts):
    if facts["type"] == "flag":
        return ""
    if choices := facts.get("choices"):
        return "{" + ",".join(str(choice) for choice in choices) + "}"
    return "[X ...]" if facts.get("nargs") == "*" else "X"


KNOWN = {name: Argument(name, usage(facts)) for name, facts in LISTED.items()}


def check(text):
    return check_arguments(split_arguments(text), KNOWN, "train_network.py")


def test_what_is_taken_is_a_switch_a_number_or_a_choice_unless_it_is_listed_as_text():
    plain = {name for name, facts in LISTED.items() if facts["type"] not in ("str", "Path") or facts.get("choices")}
    assert plain - NOT_TAKEN == VALUES
    assert TEXTS | WORDS <= LISTED.keys() - plain


@pytest.mark.parametrize(
    "text, words",
    [
        ("--scale_weight_norms 1 --v2", ["--scale_weight_norms", "1", "--v2"]),
        ("--ip-noise-gamma=.1", ["--ip_noise_gamma", ".1"]),
        ('--caption_prefix "twbricks, wet/dry"', ["--caption_prefix", "twbricks, wet/dry"]),
        ("--optimizer_args weight_decay=0.1 betas=.9,.99", ["--optimizer_args", "weight_decay=0.1", "betas=.9,.99"]),
        ("--network_args algo=lokr preset=attn-only", ["--network_args", "algo=lokr", "preset=attn-only"]),
        ("--network_module lycoris.kohya", ["--network_module", "lycoris.kohya"]),
        ("--optimizer_type torch.optim.NAdam", ["--optimizer_type", "torch.optim.NAdam"]),
        ("--loss_type huber", ["--loss_type", "huber"]),
    ],
)
def test_harmless_arguments_come_through_as_they_are(text, words):
    assert check(text) == words


FILES = ["/etc/passwd", "../../secrets", r"\\server\share\x.toml", "//server/share/x", r"C:\x", "C:x", "~/x", "x.toml",
         "file:///etc/passwd", "https://example.com/x", "$HOME/x", "%USERPROFILE%", "x.pt", "a\0b", "a/b"]  # fmt: skip
TEXTUAL = [name for name, facts in LISTED.items() if facts["type"] in ("str", "Path") and not facts.get("choices")]
HOSTILE = [
    *(f'--{name} "/etc/passwd"' for name in TEXTUAL if name not in TEXTS),
    *(f"--{name}" for name in sorted(NOT_TAKEN)),
    *(f"--network_args 'preset={file}'" for file in FILES),
    *(f"--optimizer_args 'path={file}'" for file in FILES),
    *(f"--noise_offset '{file}'" for file in FILES),
    *(
        f"--optimizer_type {module}"
        for module in ("os.system", "subprocess.Popen", "builtins.exec", "torchevil.X", ".X")
    ),
    *(f"--network_module {module}" for module in ("antigravity", "os", "networks_evil", "evil.lycoris", "networks/x")),
    *(f"--lr_scheduler_type {module}" for module in ("os.path", "shutil.rmtree")),
    "--network_args preset=LICENSE",
    "--optimizer_args=--output_dir=/tmp",
    "--loss_type=--output_dir",
    "--caption_prefix 'a\nb'",
    "--config-file x.toml",
    "--output-dir x",
    "--a_new_path x",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_could_name_a_file_send_or_load_code_is_refused(text):
    with pytest.raises(InputError):
        check(text)


def test_there_are_a_hundred_of_them():
    assert len(HOSTILE) >= 100
