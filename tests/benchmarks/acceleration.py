"""The host's ways to sample faster, on the seamless demo model: what they save, and whether the texture still tiles.

Q is the worst of both axes and four pictures (1.05 and less is seamless); the roll error is the largest difference
between rolling the noise and rolling the latent that came out, in standard deviations of that latent; dB compare the
pictures with those of the first row. Run with `python run.py bench acceleration`; `compile` adds torch.compile, which
takes minutes.
"""

import sys
import time

from _measured import psnr, torch

ROLL = (8, -16)
PROMPTS = ["brick wall, red-brown bricks", "cobblestone, grey stones", "hexagon tiles", "rock face, grey rock"]


def noise(seed, size=32):
    return torch.randn(1, 4, size, size, generator=torch.Generator().manual_seed(seed))


def attention(name):
    from comfy.ldm.modules.attention import get_attention_function

    chosen = get_attention_function(name)

    def patched(model):
        clone = model.clone()
        options = clone.model_options["transformer_options"]
        options["optimized_attention_override"] = lambda function, *given, **more: chosen(*given, **more)
        return clone

    return patched


def ways():
    """Name -> what the host's node makes of a model, and the steps and sampler it is used with."""
    from comfy_extras.nodes_easycache import EasyCacheNode, LazyCacheNode
    from comfy_extras.nodes_model_downscale import PatchModelAddDownscale

    plain = (20, "dpmpp_2m", "karras")
    return {
        "as it is": (lambda model: model, *plain),
        "split attention": (attention("split"), *plain),
        "sub-quadratic attention": (attention("sub_quad"), *plain),
        "EasyCache 0.2": (lambda model: EasyCacheNode.execute(model, 0.2, 0.15, 0.95, False)[0], *plain),
        "EasyCache 0.05": (lambda model: EasyCacheNode.execute(model, 0.05, 0.15, 0.95, False)[0], *plain),
        "LazyCache 0.2": (lambda model: LazyCacheNode.execute(model, 0.2, 0.15, 0.95, False)[0], *plain),
        "deep shrink 2x": (
            lambda model: PatchModelAddDownscale.execute(model, 3, 2.0, 0.0, 0.35, True, "bicubic", "bicubic")[0],
            *plain,
        ),
        "10 steps": (lambda model: model, 10, "dpmpp_2m", "karras"),
        "LCM sampler, 6 steps": (lambda model: model, 6, "lcm", "sgm_uniform"),
    }


def compiled(model):
    from comfy_extras.nodes_torch_compile import TorchCompileModel

    return TorchCompileModel.execute(model, "inductor").args[0]


class Painter:
    """The seamless demo model with its prompts encoded."""

    def __init__(self):
        from tilewright.host.demo_model import load_demo_model
        from tilewright.nodes.seamless import SeamlessModel, SeamlessVAE

        model, clip, vae = load_demo_model()
        self.model = SeamlessModel.execute(model, "both").args[0]
        self.vae = SeamlessVAE.execute(vae, "both").args[0]
        self.texts = [clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in [*PROMPTS, ""]]

    def latent(self, model, steps, sampler, schedule, number, roll=(0, 0)):
        import comfy.sample

        start = noise(number).roll(roll, (2, 3))
        return comfy.sample.sample(
            model, start, steps, 4.0, sampler, schedule, self.texts[number], self.texts[-1], torch.zeros_like(start),
            disable_pbar=True, seed=number,
        )  # fmt: skip

    def row(self, name, patch, steps, sampler, schedule, reference):
        from tilewright.common.seams import seam_statistics

        model = patch(self.model)
        self.latent(model, steps, sampler, schedule, 0)  # what is done once is not counted
        begin = time.process_time()
        latents = [self.latent(model, steps, sampler, schedule, number) for number in range(len(PROMPTS))]
        seconds = (time.process_time() - begin) / len(PROMPTS)
        images = [self.vae.decode(latent).movedim(-1, 1) for latent in latents]
        q = max(seam_statistics(image, axis).q for image in images for axis in "xy")
        rolled = self.latent(model, steps, sampler, schedule, 0, ROLL)
        error = float((rolled - latents[0].roll(ROLL, (2, 3))).abs().max() / latents[0].std())
        alike = min(psnr(*pair) for pair in zip(images, reference or images, strict=True))
        drawn = "drawn" if sampler == "lcm" else f"{error:.1e}"
        print(f"{name:26}{seconds:9.2f}{q:8.2f}{drawn:>12}{alike:8.1f}", flush=True)
        return images


@torch.inference_mode()
def main():
    painter, reference = Painter(), None
    print(f"{'':26}{'s, CPU':>9}{'Q':>8}{'roll error':>12}{'dB':>8}")
    rows = ways() | ({"torch.compile": (compiled, 20, "dpmpp_2m", "karras")} if "compile" in sys.argv else {})
    for name, way in rows.items():
        images = painter.row(name, *way, reference)
        reference = reference or images


if __name__ == "__main__":
    main()
