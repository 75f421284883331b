"""Exact tiled decoding against the untiled decode and the host's own tiled decode: time, memory, accuracy.

An autoencoder of SD's shape with random weights in float32, on the CPU. Each way runs in a process of its own, so that
its peak memory is its own; the time is that of the processor, all threads together.
Run with `python run.py bench tiled_vae [side in pixels] [channels]`.
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


def decode(way, vae, latent):
    from tilewright.nodes.upscale.nodes import TiledVAEDecode

    import nodes as host

    if way == "untiled":
        return vae.decode(latent)
    kind, tile_size = way.split()
    if kind == "exact":
        return TiledVAEDecode.execute({"samples": latent}, vae, int(tile_size), "none").args[0]
    return host.VAEDecodeTiled().decode(vae, {"samples": latent}, int(tile_size), 64)[0]


def run_one_way(way, side, channels, path):
    with torch.inference_mode():
        vae, latent = random_autoencoder({**STABLE_DIFFUSION, "ch": channels}), torch.randn(1, 4, side // 8, side // 8)
        decode(way, vae, latent[..., :8, :8])  # what the first use of the libraries takes is not the decode's
        before, start = peak_bytes(), time.process_time()
        image = decode(way, vae, latent)
        seconds = time.process_time() - start
    torch.save({"image": image, "seconds": seconds, "bytes": peak_bytes() - before}, path)


def peak_bytes():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def psnr(image, reference):
    return float(-10 * (image.double() - reference.double()).square().mean().log10())


def main(side=1024, channels=64):
    print(f"{side} x {side} px, {channels} channels, float32, {torch.get_num_threads()} threads")
    print(f"{'':12}{'CPU s':>9}{'of untiled':>11}{'peak MB':>9}{'of untiled':>11}{'PSNR dB':>9}{'max error':>11}")
    with tempfile.TemporaryDirectory() as folder:
        reference = None
        for way in WAYS:
            path = os.path.join(folder, "result.pt")
            subprocess.run([sys.executable, __file__, way, str(side), str(channels), path], check=True)
            result = torch.load(path)
            reference = reference or result
            error = float((result["image"] - reference["image"]).abs().max())
            print(
                f"{way:12}{result['seconds']:9.1f}{result['seconds'] / reference['seconds']:11.2f}"
                f"{result['bytes'] / 1e6:9.0f}{result['bytes'] / reference['bytes']:11.2f}"
                f"{psnr(result['image'], reference['image']):9.1f}{error:11.1e}",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) == 5:
        run_one_way(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        main(*map(int, sys.argv[1:]))
