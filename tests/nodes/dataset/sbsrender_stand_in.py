"""Behaves as sbsrender does where Tilewright relies on it, without Substance.

Copied to an executable called `sbsrender`. `behaviour.json` beside it may say: "hang" (never end), "fail" (exit 1, with
the words on standard error), "complain" (exit 1, with the words in the log before the JSON report), "no folder" (as if
the output folder were missing), "flaky" (fail at the first try of each folder), "partial" (leave an output out),
"damaged" (write half a file), "meet" (go on when this many calls have begun), "version" (another version).
Each call adds a line to `calls.jsonl`. Unknown values are taken without a word, as sbsrender does.
"""

import hashlib
import json
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUTPUTS = ["basecolor", "normal", "roughness", "metallic", "height"]
EXIT_NO_FOLDER = 47


def main(arguments):
    behaviour = json.loads((HERE / "behaviour.json").read_text()) if (HERE / "behaviour.json").is_file() else {}
    if arguments == ["--version"]:
        print(f"Substance 3D Automation Toolkit stand-in {behaviour.get('version', '1.0')}")
        return 0
    options = parse(arguments[1:])
    with (HERE / "calls.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(options) + "\n")
    folder = Path(options["--output-path"][0])
    if behaviour.get("no folder") or not folder.is_dir():
        print(f"[ERROR][SBSRender] Output folder {folder} does not exist", file=sys.stderr)
        return EXIT_NO_FOLDER
    if behaviour.get("hang"):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])  # a child of its own, as engines have
        time.sleep(600)
    marker = HERE / f"tried {folder.name}"
    if behaviour.get("fail") or (behaviour.get("flaky") and not marker.exists()):
        marker.touch()
        print("[ERROR][SBSRender] Engine ran out of memory", file=sys.stderr)
        return 1
    if behaviour.get("complain"):
        print('[INFO] Loading package\n[ERROR][SBSRender] Cannot link "bricks"')
        print(json.dumps([{"graph": options["--input-graph"][0], "outputs": []}], indent=2))
        return 1
    while sum(1 for _ in (HERE / "calls.jsonl").open(encoding="utf-8")) < behaviour.get("meet", 0):
        time.sleep(0.02)
    render(options, folder, behaviour)
    return 0


def parse(arguments):
    options = {}
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        options.setdefault(name, []).append(value)
    return options


def render(options, folder, behaviour):
    values = dict(value.split("@", 1) for value in options.get("--set-value", []))
    size = 2 ** int(values.get("$outputsize", "8,8").split(",")[0])
    outputs = options.get("--input-graph-output", OUTPUTS)
    written = []
    for output in outputs[: -1 if behaviour.get("partial") else None]:
        name = options["--output-name"][0].replace("{outputNodeName}", output)
        seed = int(hashlib.sha256(json.dumps([output, sorted(values.items())]).encode()).hexdigest()[:6], 16)
        image = png(size, seed)
        file = folder / f"{name}.{options['--output-format'][0]}"
        file.write_bytes(image[: len(image) // 2] if behaviour.get("damaged") else image)
        written.append({"identifier": output, "value": str(file)})
    print("[INFO] Loading package\n[INFO] Rendering")
    print(json.dumps([{"graph": options["--input-graph"][0], "outputs": written}]))


def png(size, seed):
    """A seamless 8-bit RGB pattern that differs with the seed."""
    waves = 1 + seed % 5
    pixels = zlib.compress(b"".join(b"\0" + row(y, size, waves, seed) for y in range(size)))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def row(y, size, waves, seed):
    slopes = [abs(128 * ((x * waves + y) % size) // size - 64) for x in range(size)]
    return bytes(128 + (seed >> shift & 63) - slope for slope in slopes for shift in (0, 8, 16))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
