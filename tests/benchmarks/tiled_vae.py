"""Exact tiled decoding and encoding against the untiled and the host's own tiled ones: time, memory, accuracy.

An autoencoder of SD's shape with random weights in float32, on the CPU. Each way runs in a process of its own, so that
its peak memory is its own; the time is that of the processor, all threads together.
Run with `python run.py bench tiled_vae [side in pixels] [channels] [decode | encode]`.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, F401
import torch  # noqa: E402
from random_networks import STABLE_DIFFUSION, random_autoencoder  # noqa: E402

WAYS = ["untiled", "exact 256", "exact 512", "host 512"]


def run(way, direction, vae, given):
    from tilewright.nodes.upscale.nodes import TiledVAEDecode, TiledVAEEncode

    import nodes as host

    kind, _, tile_size = way.partition(" ")
    if direction == "decode":
        if kind == "untiled":
            return vae.decode(given)
        if kind == "exact":
            return TiledVAEDecode.execute({"samples": given}, vae, int(tile_size), "none").args[0]
        return host.VAEDecodeTiled().decode(vae, {"samples": given}, int(tile_size), 64)[0]
    if kind == "untiled":
        return vae.encode(given)
    if kind == "exact":
        return TiledVAEEncode.execute(given, vae, int(tile_size), "none").args[0]["samples"]
    return host.VAEEncodeTiled().encode(vae, given, int(tile_size), 64)[0]["samples"]


def run_one_way(way, direction, side, channels, path):
    def given(size):
        return torch.randn(1, 4, size // 8, size // 8) if direction == "decode" else torch.rand(1, size, size, 3)

    with torch.inference_mode():
        torch.manual_seed(0)
        vae = random_autoencoder({**STABLE_DIFFUSION, "ch": channels})
        run(way, direction, vae, given(64))  # what the first use of the libraries takes is not the decode's
        whole = given(side)
        before, start = peak_bytes(), time.process_time()
        result = run(way, direction, vae, whole)
        seconds = time.process_time() - start
    torch.save({"result": result, "seconds": seconds, "bytes": peak_bytes() - before}, path)


def peak_bytes():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def psnr(image, reference):
    return float(-10 * (image.double() - reference.double()).square().mean().log10())


def main(side=512, channels=32, direction="decode"):
    print(f"{direction} {side} x {side} px, {channels} channels, float32, {torch.get_num_threads()} threads")
    print(f"{'':12}{'CPU s':>9}{'of untiled':>11}{'peak MB':>9}{'of untiled':>11}{'PSNR dB':>9}{'max error':>11}")
    with tempfile.TemporaryDirectory() as folder:
        reference = None
        for way in WAYS:
            path = os.path.join(folder, "result.pt")
            subprocess.run([sys.executable, __file__, way, direction, str(side), str(channels), path], check=True)
            result = torch.load(path)
            reference = reference or result
            error = float((result["result"] - reference["result"]).abs().max())
            print(
                f"{way:12}{result['seconds']:9.1f}{result['seconds'] / reference['seconds']:11.2f}"
                f"{result['bytes'] / 1e6:9.0f}{result['bytes'] / reference['bytes']:11.2f}"
                f"{psnr(result['result'], reference['result']):9.1f}{error:11.1e}",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) == 6:
        run_one_way(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    else:
        main(*map(int, sys.argv[1:3]), *sys.argv[3:])
