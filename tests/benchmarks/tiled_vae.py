"""Exact tiled decoding and encoding against the untiled and the host's own tiled ones: time, work, memory, accuracy.

An autoencoder of SD's shape with random weights in float32, on the CPU. Each way runs in a process of its own, so that
its peak memory is its own; the time is that of the processor, all threads together. "exact 512" is Tilewright's node
with tiles of 512 px, "host 512" ComfyUI's own, "exact 256 in 0.3" Tilewright's with 0.3 GB for feature maps: what is
more than that it computes again.
Run with `python run.py bench tiled_vae [side in pixels] [channels] [decode | encode] [way, ...]`.
"""

import sys

from _measured import in_a_process, measure, psnr, torch
from random_networks import STABLE_DIFFUSION, random_autoencoder

WAYS = ["untiled", "exact 256", "host 256", "exact 512", "host 512"]


def parsed(way):
    """Of "exact 256 in 0.3": the kind, the tile size in pixels and the memory in GB, 0 where none is named."""
    kind, *numbers = way.replace(" in ", " ").split()
    tile_size, memory = [*map(float, numbers), 0, 0][:2]
    return kind, int(tile_size), memory


def run(way, direction, vae, given):
    from tilewright.nodes.upscale import TiledVAEDecode, TiledVAEEncode

    import nodes as host

    kind, tile_size, memory = parsed(way)
    if direction == "decode":
        if kind == "untiled":
            return vae.decode(given)
        if kind == "exact":
            return TiledVAEDecode.execute({"samples": given}, vae, tile_size, "none", memory).args[0]
        return host.VAEDecodeTiled().decode(vae, {"samples": given}, tile_size, 64)[0]
    if kind == "untiled":
        return vae.encode(given)
    if kind == "exact":
        return TiledVAEEncode.execute(given, vae, tile_size, "none", memory).args[0]["samples"]
    return host.VAEEncodeTiled().encode(vae, given, tile_size, 64)[0]["samples"]


def run_one_way(way, direction, side, channels, path):
    def given(size):
        return torch.randn(1, 4, size // 8, size // 8) if direction == "decode" else torch.rand(1, size, size, 3)

    with torch.inference_mode():
        torch.manual_seed(0)
        vae = random_autoencoder({**STABLE_DIFFUSION, "ch": channels})
        run(way, direction, vae, given(64))  # what the first use of the libraries takes is not the decode's
        whole = given(side)
        measure(lambda: run(way, direction, vae, whole), path)


def main(side=512, channels=32, direction="decode", *ways):
    print(f"{direction} {side} x {side} px, {channels} channels, float32, {torch.get_num_threads()} threads")
    print(f"{'':18}{'CPU s':>9}{'peak MB':>9} of untiled:{'time':>6}{'work':>6}{'memory':>8}{'PSNR dB':>9}{'error':>9}")
    reference = None
    for way in ways or WAYS:
        result = in_a_process(__file__, way, direction, side, channels)
        reference = reference or result
        time, work, memory = (result[name] / reference[name] for name in ("seconds", "work", "bytes"))
        error = float((result["result"] - reference["result"]).abs().max())
        print(
            f"{way:18}{result['seconds']:9.1f}{result['bytes'] / 1e6:9.0f}{time:17.2f}{work:6.2f}{memory:8.2f}"
            f"{psnr(result['result'], reference['result']):9.1f}{error:9.0e}",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        way, direction, side, channels, path = sys.argv[2:]
        run_one_way(way, direction, int(side), int(channels), path)
    else:
        main(*map(int, sys.argv[1:3]), *sys.argv[3:])
