"""A texture enlarged from stage to stage, with the pack's nodes and with the host's: does it tile at every size?

On the demo model: sampled, its latent doubled and sampled again until the size is reached; and its first stage
enlarged by an upscale model of random weights. Q above 1.05 is doubtful, above 1.2 a seam. The 2 x 2 previews are
written to output/bench/upscale_chain.
Run with `python run.py bench upscale_chain [first size] [last size] [steps of the larger stages]`; 512 4096 4 takes
an hour without a GPU, most of it attention: that of the autoencoder, and of the host's sampler on the whole latent.
"""

import sys
import time

from _measured import conftest, torch

FIRST_STEPS, CFG, DENOISE = 12, 4.0, 0.5
PROMPT = "cobblestone, grey stone, dark warm grey gaps, grey granite, irregular pattern, large stones"
WAYS = ["tilewright", "host"]
FOLDER = conftest.PACK / "output" / "bench" / "upscale_chain"


def sampled(model, clip, latent, steps, denoise):
    import nodes as host

    text = [host.CLIPTextEncode().encode(clip, words)[0] for words in (PROMPT, "")]
    return host.KSampler().sample(model, 5, steps, CFG, "dpmpp_2m", "karras", *text, latent, denoise)[0]


def models(way):
    """MODEL for the first stage, MODEL for the larger ones, CLIP and VAE."""
    from tilewright.host.demo_model import load_demo_model
    from tilewright.nodes.seamless import SeamlessModel
    from tilewright.nodes.upscale import TiledDiffusion

    model, clip, vae = load_demo_model()
    if way == "host":
        return model, model, clip, vae
    seamless = SeamlessModel.execute(model, "both").args[0]
    return seamless, TiledDiffusion.execute(seamless, 256, 64, "Mixture of Diffusers", "both").args[0], clip, vae


def decoded(way, vae, latent):
    from tilewright.nodes.upscale import TiledVAEDecode

    import nodes as host

    if way == "host":
        return host.VAEDecodeTiled().decode(vae, latent, 512, 64)[0]
    return TiledVAEDecode.execute(latent, vae, 512, "both").args[0]


def sampled_stages(way, first, last, steps):
    """(size, image) of every stage."""
    import nodes as host

    small, large, clip, vae = models(way)
    latent = sampled(small, clip, {"samples": torch.zeros(1, 4, first // 8, first // 8)}, FIRST_STEPS, 1.0)
    yield first, decoded(way, vae, latent)
    while first < last:
        first *= 2
        latent = host.LatentUpscaleBy().upscale(latent, "nearest-exact" if way == "tilewright" else "bicubic", 2)[0]
        latent = sampled(large, clip, latent, steps, DENOISE)
        yield first, decoded(way, vae, latent)


def upscaled_stages(way, image, last):
    """(size, image) of every stage, doubled by an upscale model of random weights."""
    from comfy_extras.nodes_upscale_model import ImageUpscaleWithModel
    from random_networks import random_upscaler
    from tilewright.nodes.upscale import UpscaleWithModel

    model = random_upscaler(scale=2)
    while image.shape[2] < last:
        if way == "host":
            image = ImageUpscaleWithModel.execute(model, image).args[0]
        else:
            image = UpscaleWithModel.execute(model, image, 512, "both").args[0]
        yield image.shape[2], image


def report(name, way, size, image, seconds):
    from tilewright.common.image_writing import write_png
    from tilewright.common.seams import seam_statistics

    seams = [seam_statistics(image.movedim(-1, 1), axis) for axis in "xy"]
    numbers = "".join(f"{seam.q:7.2f}{seam.r2:7.2f}" for seam in seams)
    print(f"{name:16}{way:12}{size:6}{seconds:8.1f}{numbers}  {max(seams, key=lambda s: s.q).verdict}", flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_png(
        FOLDER / f"{name.replace(' ', '_')}_{way}_{size}.png", image[0].movedim(-1, 0).repeat(1, 2, 2).clamp(0, 1)
    )


def timed(stages):
    start = time.process_time()
    for size, image in stages:
        yield size, image, time.process_time() - start
        start = time.process_time()


@torch.inference_mode()
def main(first=128, last=512, steps=FIRST_STEPS):
    import comfy.utils

    comfy.utils.set_progress_bar_enabled(False)
    threads = torch.get_num_threads()
    print(f"from {first} to {last} px, {FIRST_STEPS} steps, then {steps} a stage, float32, {threads} threads")
    print(f"{'':16}{'':12}{'size':>6}{'CPU s':>8}{'Q x':>7}{'R2 x':>7}{'Q y':>7}{'R2 y':>7}")
    first_image = None
    for size, image, seconds in timed(sampled_stages("tilewright", first, last, steps)):
        report("sampled", "tilewright", size, image, seconds)
        first_image = image if first_image is None else first_image
    for way in WAYS:
        for size, image, seconds in timed(upscaled_stages(way, first_image, last)):
            report("upscale model", way, size, image, seconds)
    for size, image, seconds in timed(sampled_stages("host", first, last, steps)):  # last: its attention takes longest
        report("sampled", "host", size, image, seconds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
