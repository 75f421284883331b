"""Arguments that the user adds, checked against what the script itself says that it takes."""

import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..common.errors import InputError
from .checkout import Interpreter
from .error_hints import cause_of
from .process import script_command, script_environment

HELP_SECONDS = 300
_USAGE = re.compile(r"\[--([\w-]+)(?: ([^\[\]]+|\[[^\]]*\]))?\]")

_NAMES_A_FILE_OR_SENDS = re.compile(
    r"(config_file|output_config|dataset_config|dataset_class|in_json|\w+_dir|output_name|sample_prompts|resume\w*|"
    r"pretrained_model_name_or_path|controlnet_model_name_or_path|vae|weights|network_weights|base_weights|logging_dir|"
    r"console_log_file|\w*nvme_path|huggingface_\w+|save_state_to_huggingface|async_upload|wandb_\w+|log_with|log_prefix|"
    r"log_tracker_\w+|metadata_thumbnail|debug_dataset|save_model_as)"
)
_CODE = {  # arguments that name code to load, and where that may lie
    "network_module": ("networks", "lycoris"),
    "optimizer_type": ("torch", "bitsandbytes", "pytorch_optimizer", "prodigyplus", "transformers", "schedulefree"),
    "lr_scheduler_type": ("torch", "transformers", "diffusers", "pytorch_optimizer"),
}


@dataclass(frozen=True)
class Argument:
    """One argument of a script. values is "" for a switch, else how its help writes what follows it."""

    name: str
    values: str

    @property
    def choices(self) -> list[str]:
        return self.values[1:-1].split(",") if self.values.startswith("{") else []

    @property
    def takes_many(self) -> bool:
        return "..." in self.values


def script_arguments(interpreter: Interpreter, script: Path, environment: Mapping[str, str]) -> dict[str, Argument]:
    """What `script` takes, by its own --help, which is asked once. Raises `InputError` where it does not start."""
    return _asked(interpreter, script, script.stat().st_mtime_ns, tuple(sorted(environment.items())))


@cache
def _asked(
    interpreter: Interpreter, script: Path, _changed: int, environment: tuple[tuple[str, str], ...]
) -> dict[str, Argument]:
    command = script_command(interpreter, script, ["--help"])
    own = script_environment(dict(environment), interpreter, threads=1)
    try:
        answer = subprocess.run(
            command, cwd=script.parent, env=own, stdin=subprocess.DEVNULL, capture_output=True, timeout=HELP_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{interpreter} does not start: {error}. Check the installation.") from None
    if answer.returncode:
        lines = answer.stderr.decode("utf-8", errors="replace").splitlines()
        raise InputError(f"{script.name} does not start. {cause_of(lines, answer.returncode, interpreter)}")
    return parse_usage(answer.stdout.decode("utf-8", errors="replace"))


def parse_usage(text: str) -> dict[str, Argument]:
    """The arguments in the usage of a --help, by name without the dashes."""
    usage = " ".join(text.split("\n\n", 1)[0].split())
    return {name: Argument(name, (values or "").strip()) for name, values in _USAGE.findall(usage)}


def split_arguments(text: str) -> list[list[str]]:
    """The user's text as one list for each argument: its name without dashes, then its values.

    Lines and spaces separate, quotes hold together. Raises `InputError` for text that does not begin with an argument.
    """
    try:
        words = shlex.split(text, comments=False, posix=True)
    except ValueError as error:
        raise InputError(f"arguments cannot be read: {error}. Close every quotation mark.") from None
    groups: list[list[str]] = []
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            groups.append([name.replace("-", "_"), *([value] if equals else [])])
        elif groups:
            groups[-1].append(word)
        else:
            raise InputError(f"arguments begins with {word!r}. Write --name value, as on sd-scripts' command line.")
    return groups


def check_arguments(groups: Sequence[Sequence[str]], known: Mapping[str, Argument], script: str) -> list[str]:
    """The user's arguments for the command line.

    Raises `InputError` for one that the script does not know or takes otherwise, and for those that a workflow from
    elsewhere must not set: they name files, send data away, or load code.
    """
    for name, *values in groups:
        if _NAMES_A_FILE_OR_SENDS.fullmatch(name):
            raise InputError(
                f"--{name} cannot be set in arguments: it names a file, sends data away or is set by this node. The "
                "help page says which input it belongs to."
            )
        if name not in known:
            raise InputError(f"{script} has no argument --{name}. {_nearest(name, known)}")
        _check_values(known[name], values)
    return [word for name, *values in groups for word in (f"--{name}", *values)]


def _check_values(argument: Argument, values: Sequence[str]) -> None:
    wanted = 0 if not argument.values else 1
    if len(values) != wanted and not argument.takes_many:
        raise InputError(f"--{argument.name} takes {wanted or 'no'} value{'' if wanted else 's'}, not {len(values)}.")
    smuggled = [value for value in values if value.startswith("--")]
    if smuggled:
        raise InputError(
            f"--{argument.name} is {smuggled[0]!r}, which is an argument itself. Write it on a line of its own."
        )
    bad = [value for value in values if argument.choices and value not in argument.choices]
    if bad:
        raise InputError(f"--{argument.name} is {bad[0]!r}. Choose one of {', '.join(argument.choices)}.")
    packages = _CODE.get(argument.name)
    for value in values if packages else ():
        if "." in value and value.split(".")[0] not in packages:
            raise InputError(
                f"--{argument.name} is {value!r}, but a workflow may only load code from {', '.join(packages)}."
            )


def _nearest(name: str, known: Mapping[str, Argument]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, 3)
    return f"Did you mean {' or '.join(f'--{one}' for one in near)}?" if near else "Its --help lists those it has."
