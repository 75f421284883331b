"""Why a script ended without finishing, in words for the person who has to do something about it."""

import re
from collections.abc import Sequence

from .checkout import Interpreter

LAST_LINES = 12
_KILLED = -9

_OUT_OF_MEMORY = (
    "It ran out of memory. Lower batch_size, resolution or rank, switch gradient_checkpointing on, set precision to "
    "bfloat16, or choose the optimizer 'AdamW 8-bit'."
)
_PATTERNS = {
    "missing package": r"No module named '([\w.]+)'|No (bitsandbytes|lion_pytorch|prodigyopt|dadaptation)\b",
    "wrong versions": r"ImportError: (.+)",
    "out of memory": r"OutOfMemoryError|out of memory|can't allocate memory|not enough memory|MemoryError",
    "full disk": r"No space left on device|disk quota exceeded",
    "bad argument": r"error: (unrecognized arguments: .+|argument .+|the following arguments .+)",
    "no tokenizer": r"(?:Can't load|couldn't find|load) (?:the )?(?:tokenizer|configuration|model).*?'([\w./-]+)'",
    "refused": r"AssertionError: (.+)",
}


def cause_of(lines: Sequence[str], code: int, interpreter: Interpreter, tokenizers: object = "its cache folder") -> str:
    """What `lines` of output and the exit code say went wrong and what to do, then the last lines themselves."""
    text = "\n".join(lines)
    found = ((kind, re.search(pattern, text, re.IGNORECASE)) for kind, pattern in _PATTERNS.items())
    kind, match = next(((kind, match) for kind, match in found if match), ("", None))
    told = next((group for group in match.groups() if group), "") if match else ""
    cause = _words(kind, told, interpreter, tokenizers) or _by_code(code)
    last = "\n".join(f"  {line.rstrip()}" for line in _speaking(lines)[-LAST_LINES:])
    return f"{cause}\nIts last lines:\n{last}" if last else f"{cause}\nIt wrote nothing."


def _words(kind: str, told: str, interpreter: Interpreter, tokenizers: object) -> str:
    known = {
        "missing package": lambda: _missing_package(told, interpreter),
        "wrong versions": lambda: _wrong_versions(told, interpreter),
        "out of memory": lambda: _OUT_OF_MEMORY,
        "full disk": lambda: "The disk is full. Free some space and queue the graph again.",
        "bad argument": lambda: f"It does not take an argument: {_english(told)}. Correct the input `arguments`.",
        "no tokenizer": lambda: _no_tokenizer(told, tokenizers),
        "refused": lambda: f"It refuses these settings: {_english(told)}.",
    }
    return known[kind]() if kind else ""


def _no_tokenizer(told: str, tokenizers: object) -> str:
    return (
        f"{told} is missing, and nothing is downloaded. Put its vocab.json, merges.txt, special_tokens_map.json and "
        f"tokenizer_config.json into the offline cache, {tokenizers}/{told.replace('/', '_')}."
    )


def _missing_package(module: str, interpreter: Interpreter) -> str:
    package = {"cv2": "opencv-python-headless", "lycoris": "lycoris-lora", "lion_pytorch": "lion-pytorch"}
    name = module.split(".")[0]
    if name == "library":
        return "The checkout is incomplete: its folder `library` cannot be imported. Clone it again."
    return (
        f"The package {name} is missing in {interpreter}. Install it with: "
        f"{interpreter.install_command} {package.get(name, name)}"
    )


def _wrong_versions(error: str, interpreter: Interpreter) -> str:
    return (
        f"Its packages do not fit together ({_english(error)}). Install those of the checkout's requirements.txt with "
        f"{interpreter.install_command} -r requirements.txt, apart from ComfyUI's own."
    )


def _by_code(code: int) -> str:
    if code == _KILLED:
        return f"The system killed it, which mostly means that memory ran out. {_OUT_OF_MEMORY}"
    return f"It ended with code {code}." if code else "It ended without saying why."


def _english(message: str) -> str:
    return message.split(" / ")[0].strip().rstrip(".")


def _speaking(lines: Sequence[str]) -> list[str]:
    """Without empty lines, the frames of progress bars and the marks under a traceback's lines."""
    return [line for line in lines if line.strip(" ^~") and not re.search(r"\d+%\|", line)]
