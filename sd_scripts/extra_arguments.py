"""Extra arguments from the user, checked against the script's own --help."""

import json
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..common.errors import InputError
from .checkout import Interpreter
from .error_hints import Attempt, cause_of
from .process import script_command, script_environment

HELP_SECONDS = 300
_WORD = re.compile(r"[\w.+*=,;|^?(){}\[\] '\"-]+", re.ASCII)  # numbers, names, lists, patterns; no slash, no backslash
_NAMES_A_FILE = re.compile(
    r"(^|=)\.(?!\d)|\.\.|\.(toml|json|ya?ml|txt|py|pt|pth|bin|ckpt|safetensors)\b", re.IGNORECASE
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_USAGE = re.compile(r"\[--([\w-]+)(?: ([^\[\]]+|\[[^\]]*\]))?\]")

_ALLOWED = json.loads(Path(__file__).with_name("allowed_arguments.json").read_text(encoding="utf-8"))
# Switches, numbers and choices, each known to name no file, send nothing and open no window. What a later sd-scripts
# has beside these is refused until it is listed.
VALUES = frozenset(_ALLOWED["values"])
# Text that goes into captions or into the file's metadata, and is never taken for a path.
TEXTS = frozenset(_ALLOWED["texts"])
# Numbers, names and name=value pairs, some of which the script would take for a path.
WORDS = frozenset(_ALLOWED["words"])
_PRESETS = ("full", "full-lin", "attn-mlp", "attn-only", "unet-transformer-only", "unet-convblock-only", "unet-only")
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
        raise InputError(
            f"{script.name} does not start. {cause_of(lines, answer.returncode, Attempt(script, interpreter))}"
        )
    return parse_usage(answer.stdout.decode("utf-8", errors="replace"))


def parse_usage(text: str) -> dict[str, Argument]:
    """The arguments in the usage of a --help, by name without the dashes."""
    usage = " ".join(text.split("\n\n", 1)[0].split())
    return {name: Argument(name, (values or "").strip()) for name, values in _USAGE.findall(usage)}


def split_arguments(text: str) -> list[list[str]]:
    """The user's text as one list for each argument: its name without dashes, then its values.

    Whitespace separates words, quotes group them. Raises `InputError` for text that does not begin with an argument.
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

    A workflow may come from elsewhere, so only arguments are taken that are known to name no file, send nothing away
    and load no code. Raises `InputError` for every other, and for one that the script does not have or takes otherwise.
    """
    for name, *values in groups:
        if name not in known:
            raise InputError(f"{script} has no argument --{name}. {_nearest(name, known)}")
        if name not in VALUES | TEXTS | WORDS:
            raise InputError(
                f"--{name} cannot be set in arguments: it names a file, sends data away, is set by this node, or is "
                "not known to be harmless. The help page says which input it belongs to."
            )
        _check_values(known[name], values)
    return [word for name, *values in groups for word in (f"--{name}", *values)]


def _check_values(argument: Argument, values: Sequence[str]) -> None:
    wanted = 0 if not argument.values else 1
    if len(values) != wanted and not argument.takes_many:
        raise InputError(f"--{argument.name} takes {wanted or 'no'} value{'' if wanted else 's'}, not {len(values)}.")
    for value in values:
        _check_value(argument, value)
    bad = [value for value in values if argument.choices and value not in argument.choices]
    if bad:
        raise InputError(f"--{argument.name} is {bad[0]!r}. Choose one of {', '.join(argument.choices)}.")


def _check_value(argument: Argument, value: str) -> None:
    name = argument.name
    if value.startswith("--"):
        raise InputError(f"--{name} is {value!r}, which is an argument itself. Write it on a line of its own.")
    if name in VALUES and not argument.choices and not _NUMBER.fullmatch(value):
        raise InputError(f"--{name} is {value!r}, which is not a number.")
    if name in TEXTS and not value.isprintable():
        raise InputError(f"--{name} is {value!r}. Leave out line ends and what cannot be printed.")
    if name in WORDS and (not _WORD.fullmatch(value) or _NAMES_A_FILE.search(value) or _is_unknown_preset(value)):
        raise InputError(f"--{name} is {value!r}, which may name a file. Leave out slashes, file endings and the like.")
    packages = _CODE.get(name, ())
    is_module = "." in value or name == "network_module"  # the others have names of their own without a dot
    if packages and is_module and value.split(".")[0] not in packages:
        raise InputError(f"--{name} is {value!r}, but a workflow may only load code from {', '.join(packages)}.")


def _is_unknown_preset(value: str) -> bool:
    """Whether it gives LyCORIS a preset that it does not have: it would read a file of that name."""
    name, _, preset = value.partition("=")
    return name.strip() == "preset" and preset.strip() not in _PRESETS


def _nearest(name: str, known: Mapping[str, Argument]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, 3)
    return f"Did you mean {' or '.join(f'--{one}' for one in near)}?" if near else "Its --help lists those it has."
