"""Ten textures of the demo model, each with and without the seamless nodes: their seams, and how long sampling takes.

Prompts and seeds are the same on both sides. Q above 1.05 is doubtful, above 1.2 a seam; R2 above 1.5
shows. The pictures, two by two, are written to output/bench/demo_model.
Run with `python run.py bench demo_model [images]`.
"""

import sys
import time

from _measured import conftest, torch

STEPS, CFG = 20, 4.0
FOLDER = conftest.PACK / "output" / "bench" / "demo_model"


def prompts(count):
    from tilewright.captions.from_parameters import caption_record
    from tilewright.dataset.procedural.render import render_material
    from tilewright.launch.demo_model_course import HELD_OUT, SHIPPED

    for seed in range(count):
        record = render_material(SHIPPED.materials[SHIPPED.material(seed)], HELD_OUT + 1000 + seed, 64, maps=()).record
        yield seed, caption_record(record, "basecolor", 4, True)


def painted(model, clip, vae, prompt, seed):
    """The image (1, 3, 256, 256) in 0..1 as an 8-bit file holds it, and the seconds that sampling took."""
    import nodes as host

    text = [host.CLIPTextEncode().encode(clip, words)[0] for words in (prompt, "")]
    empty = {"samples": torch.zeros(1, 4, 32, 32)}
    start = time.perf_counter()
    latent = host.KSampler().sample(model, seed, STEPS, CFG, "dpmpp_2m", "karras", *text, empty, 1.0)[0]
    seconds = time.perf_counter() - start
    image = vae.decode(latent["samples"]).movedim(-1, 1).float().cpu()
    return (image * 255).round() / 255, seconds


def main():
    import comfy.utils
    from tilewright.common.image_writing import write_png
    from tilewright.common.seams import seam_statistics
    from tilewright.host.demo_model import load_demo_model
    from tilewright.nodes.seamless import SeamlessModel, SeamlessVAE

    comfy.utils.set_progress_bar_enabled(False)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    model, clip, vae = load_demo_model()
    ways = {
        "seamless": (SeamlessModel.execute(model, "both").args[0], clip, SeamlessVAE.execute(vae, "both").args[0]),
        "plain": (model, clip, vae),
    }
    print(f"{STEPS} steps at 256 x 256, guidance {CFG:g}, {torch.get_num_threads()} threads")
    print(f"{'':8} " + "".join(f"{way:>34} " for way in ways))
    print(f"{'seed':>8} " + f"{'Q x':>7}{'Q y':>7}{'R2 x':>7}{'R2 y':>7}{'s':>6} " * 2 + " prompt")
    for seed, prompt in prompts(count):
        row = f"{seed:8} "
        for way, networks in ways.items():
            image, seconds = painted(*networks, prompt, seed)
            both = [seam_statistics(image.double(), axis) for axis in ("x", "y")]
            figures = [one.q for one in both] + [one.r2 for one in both]
            row += "".join(f"{figure:7.2f}" for figure in figures) + f"{seconds:6.1f} "
            write_png(FOLDER / f"{seed:02}_{way}.png", image[0].tile(1, 2, 2))
        print(f"{row} {prompt}", flush=True)


if __name__ == "__main__":
    with torch.inference_mode():
        main()
