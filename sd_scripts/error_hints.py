"""Why a script failed, in words that say what to do about it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .checkout import Interpreter
from .output import has_text
from .packages import is_own, missing_modules, requirements

LAST_LINES = 12
_KILLED = -9
_OUT_OF_MEMORY = (
    "It ran out of memory. Lower batch_size, resolution or rank, switch gradient_checkpointing on, set precision to "
    "bfloat16, or choose the optimizer 'AdamW 8-bit'."
)


@dataclass(frozen=True)
class Attempt:
    """A script that was run: where it lies, by which Python, and where it looks for tokenizers."""

    script: Path
    interpreter: Interpreter
    tokenizers: object = "its cache folder"

    @property
    def checkout(self) -> Path:
        return self.script.parent


def cause_of(lines: Sequence[str], code: int, attempt: Attempt) -> str:
    """What `lines` of output and the exit code say went wrong and what to do, then the last lines themselves."""
    text = "\n".join(lines)
    found = ((words, re.search(pattern, text, re.IGNORECASE)) for pattern, words in _CAUSES.items())
    causes = (words(next((group for group in match.groups() if group), ""), attempt) for words, match in found if match)
    cause = next(causes, None) or _by_code(code, lines)
    speaking = [line.rstrip() for line in lines if has_text(line)]
    usage = next((number for number, line in enumerate(speaking) if re.match(r"usage: ", line)), len(speaking))
    end = next((number for number, line in enumerate(speaking) if re.search(r"\berror: ", line)), usage)
    output = speaking[:usage] + speaking[end:]
    last = "\n".join(f"  {line}" for line in output[-LAST_LINES:])
    return f"{cause}\nIts last lines:\n{last}" if last else f"{cause}\nIt wrote nothing."


def _missing_package(module: str, attempt: Attempt) -> str:
    if module.split(".")[0] == "library":
        return "The checkout is incomplete: its folder `library` cannot be imported. Clone it again."
    if is_own(module, attempt.checkout):
        return (
            f"The checkout has no module {module}. If the input `arguments` names it, correct that; else update the "
            "checkout with git pull."
        )
    top = module.split(".")[0]
    missing = list(dict.fromkeys([top, *missing_modules(attempt.interpreter, attempt.script)]))
    wanted = requirements(missing, attempt.checkout)
    begin = f"{_listed(missing)} missing in {attempt.interpreter}. "
    if not wanted:
        return begin + "The checkout's requirements.txt does not name it: its README says what else it needs."
    torch = " For torch, take the index that pytorch.org names for your GPU." if "torch" in wanted else ""
    words = (f'"{one}"' if re.search(r"[\[<>~]", one) else one for one in wanted)
    return begin + f"Install with: {attempt.interpreter.install_command} {' '.join(words)}{torch}"


def _listed(modules: Sequence[str]) -> str:
    *most, last = modules
    return f"The packages {', '.join(most)} and {last} are" if most else f"The package {last} is"


def _wrong_versions(error: str, attempt: Attempt) -> str:
    return (
        f"Its packages do not fit together ({_english(error)}). Install those of the checkout's requirements.txt with "
        f"{attempt.interpreter.install_command} -r requirements.txt, apart from ComfyUI's own."
    )


def _no_tokenizer(name: str, attempt: Attempt) -> str:
    return (
        f"{name} is missing, and nothing is downloaded. Put its vocab.json, merges.txt, special_tokens_map.json and "
        f"tokenizer_config.json into the offline cache, {attempt.tokenizers}/{name.replace('/', '_')}."
    )


_CAUSES: dict[str, Callable[[str, Attempt], str]] = {
    r"No module named '([\w.]+)'|No (bitsandbytes|lion_pytorch|prodigyopt|dadaptation)\b": _missing_package,
    r"ImportError: (.+)": _wrong_versions,
    r"OutOfMemoryError|out of memory|can't allocate memory|not enough memory|MemoryError": lambda *_: _OUT_OF_MEMORY,
    r"No space left on device|disk quota exceeded": (
        lambda *_: "The disk is full. Free some space and queue the graph again."
    ),
    r"error: (unrecognized arguments: .+|argument .+|the following arguments .+)": (
        lambda reason, _: f"It does not take an argument: {_english(reason)}. Correct the input `arguments`."
    ),
    r"(?:Can't load|couldn't find|load) (?:the )?(?:tokenizer|configuration|model).*?'([\w./-]+)'": _no_tokenizer,
    r"AssertionError: (.+)": lambda reason, _: f"It refuses these settings: {_english(reason)}.",
}


def _by_code(code: int, lines: Sequence[str]) -> str:
    if code == _KILLED:
        return f"The system killed it, which mostly means that memory ran out. {_OUT_OF_MEMORY}"
    errors = (re.match(r"([\w.]+(?:Error|Exception)): (.+)", line) for line in reversed(lines))
    if error := next(filter(None, errors), None):
        return f"It ended with {error[1]}: {_english(error[2])}."
    return f"It ended with code {code}." if code else "It ended without saying why."


def _english(message: str) -> str:
    return message.split(" / ")[0].strip().rstrip(".")
