"""Upscale with Model and Tiled Diffusion beside the host's own way: accuracy against untiled, seams, time, memory.

A texture that tiles through an upscale model of random weights, and four steps of the demo model on noise. PSNR is
against the untiled run that wraps: the whole texture with its own copies around it, a seamless model on the whole
latent. For Tiled Diffusion it tells how far windows that see less lead away, and cannot be high. Every way runs in a
process of its own. Run with `python run.py bench upscaling [side in pixels] [tile size]`; the host's tiles are always
512 px.
"""

import sys

from _measured import in_a_process, measure, psnr, torch
from random_networks import random_upscaler

UPSCALING = ["untiled, wrapped", "untiled", "tilewright", "host"]
DIFFUSION = ["seamless, whole", "plain, whole", "tilewright"]
BORDER = 64  # pixels of copies around the texture, more than the model looks at


def texture(side):
    """Noise with a 1/f spectrum, (1, side, side, 3): it tiles."""
    frequency = torch.fft.fftfreq(side).square()
    amplitude = (frequency[:, None] + frequency).clamp(min=side**-2).rsqrt()
    noise = torch.fft.fft2(torch.randn(3, side, side, generator=torch.Generator().manual_seed(0)))
    image = torch.fft.ifft2(noise * amplitude).real
    return ((image - image.min()) / (image.max() - image.min())).movedim(0, -1)[None]


def upscaled(way, side, tile_size):
    from comfy_extras.nodes_upscale_model import ImageUpscaleWithModel
    from tilewright.common.axes import Axes, wrap_pad
    from tilewright.nodes.upscale import UpscaleWithModel

    model, image = random_upscaler(scale=2), texture(side)
    if way == "host":
        return lambda: ImageUpscaleWithModel.execute(model, image).args[0]
    if way == "tilewright":
        return lambda: UpscaleWithModel.execute(model, image, tile_size, "both").args[0]
    border = BORDER if "wrapped" in way else 0

    def whole():
        result = model(wrap_pad(image.movedim(-1, 1), border, Axes(True, True))).clamp(0, 1).movedim(1, -1)
        return result[:, 2 * border : 2 * (border + side), 2 * border : 2 * (border + side)]

    return whole


def denoised(way, side, tile_size):
    import comfy.sample
    from tilewright.host.demo_model import load_demo_model
    from tilewright.nodes.seamless import SeamlessModel
    from tilewright.nodes.upscale import TiledDiffusion, TiledVAEDecode

    model, clip, vae = load_demo_model()
    text = clip.encode_from_tokens_scheduled(clip.tokenize("terrazzo"))
    model = model if way == "plain, whole" else SeamlessModel.execute(model, "both").args[0]
    if way == "tilewright":
        model = TiledDiffusion.execute(model, tile_size, tile_size // 4, "Mixture of Diffusers", "both").args[0]
    noise = torch.randn(1, 4, side // 8, side // 8, generator=torch.Generator().manual_seed(0))
    axes = "none" if way == "plain, whole" else "both"

    def sample():
        latent = comfy.sample.sample(
            model, noise, 4, 1.0, "euler", "normal", text, text, torch.zeros_like(noise), disable_pbar=True, seed=0
        )
        return TiledVAEDecode.execute({"samples": latent}, vae, 512, axes).args[0]

    return sample


def table(title, kind, ways, side, tile_size):
    from tilewright.common.seams import seam_statistics

    print(f"\n{title}, {side} x {side} px, tiles of {tile_size} px, {torch.get_num_threads()} threads")
    print(f"{'':18}{'CPU s':>8}{'work':>6}{'peak MB':>9}{'PSNR dB':>9}{'Q x':>7}{'Q y':>7}")
    reference = None
    for way in ways:
        result = in_a_process(__file__, kind, way, side, tile_size)
        reference = reference or result
        seams = [seam_statistics(result["result"].movedim(-1, 1), axis).q for axis in "xy"]
        print(
            f"{way:18}{result['seconds']:8.1f}{result['work'] / reference['work']:6.2f}{result['bytes'] / 1e6:9.0f}"
            f"{psnr(result['result'], reference['result']):9.1f}{seams[0]:7.2f}{seams[1]:7.2f}",
            flush=True,
        )


def main(side=768, tile_size=256):
    table("Upscale with Model", "upscaled", UPSCALING, side, tile_size)
    table("Tiled Diffusion", "denoised", DIFFUSION, side, tile_size)


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        kind, way, side, tile_size, path = sys.argv[2:]
        with torch.inference_mode():
            measure({"upscaled": upscaled, "denoised": denoised}[kind](way, int(side), int(tile_size)), path)
    else:
        main(*map(int, sys.argv[1:]))
