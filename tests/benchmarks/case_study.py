"""The case study, headless: workflow case_facade, and what its LoRA has learnt.

Of the set: how far paintings by ten held-out captions are from held-out renders, without the LoRA and with it at 1.2
(root mean square of the texture statistics, in standard deviations of the renders; renders through the autoencoder are
the least that can be had); how many of them are nearer to renders of the set than to those of four materials; and how
many paintings of the materials that the model knows are still told right with the LoRA on.

Run with `python run.py bench case_study FOLDER`; what FOLDER holds already is not made again. FOLDER/case_study.jpg is
the picture of the README: a render, without, at 0.4, 0.8 and 1.2, tiled, and the material in the light.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, I001
import torch  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402
from tilewright.captions.from_parameters import caption_record  # noqa: E402
from tilewright.common.images import read_image  # noqa: E402
from tilewright.common.srgb import linear_from_srgb, srgb_from_linear  # noqa: E402
from tilewright.dataset.procedural.render import render_material  # noqa: E402
from tilewright.evaluation.grid_listing import read_listing  # noqa: E402
from tilewright.evaluation.lettering import label_font  # noqa: E402
from tilewright.launch.client import run_prompt  # noqa: E402
from tilewright.launch.demo_model_course import SHIPPED  # noqa: E402
from tilewright.launch.hosts import Host  # noqa: E402
from tilewright.launch.pictures import load  # noqa: E402
from tilewright.launch.server import running_server  # noqa: E402
from tilewright.material.normals import decode_unit_normals  # noqa: E402
from tilewright.training.demo.evaluation import NearestClass, texture_statistics  # noqa: E402

NAME, STRENGTH = "facade", 1.2
DISTRACTORS = ("bricks", "planks", "rock", "weave")
KEPT = 2  # paintings of each material that the model knows
SIZE, STEPS, CFG = 256, 20, 1.5
HELD_OUT, RENDERED, PAINTED = 700_000_000, 40, 10
SIDE, GAP, HEAD = 224, 6, 30  # pixels of the picture
COLUMNS = ("a render", "without", "0.4", "0.8", "1.2", "tiled 2 x 2", "material, lit")
LIGHT = (-0.5, 0.5, 0.7)  # from the upper left


def trigger():
    """What the prompts of the workflow begin with."""
    (template,) = (
        one["inputs"] for one in load(f"case_{NAME}").values() if one["class_type"] == "TilewrightCaptionTemplate"
    )
    return f"{template['trigger']} {template['class_name']}"


class Painter:
    """The demo model and its autoencoder, with a LoRA or without."""

    def __init__(self, file=None):
        import comfy.sd
        import comfy.utils
        from tilewright.host.demo_model import load_demo_model
        from tilewright.nodes.seamless import SeamlessModel, SeamlessVAE

        model, self.clip, vae = load_demo_model()
        if file is not None:
            state = comfy.utils.load_torch_file(str(file))
            model, self.clip = comfy.sd.load_lora_for_models(model, self.clip, state, STRENGTH, STRENGTH)
        self.model, self.vae = SeamlessModel.execute(model, "both").args[0], SeamlessVAE.execute(vae, "both").args[0]

    def paint(self, text, seed):
        """(1, 3, H, W) in 0..1."""
        import nodes as host

        positive, negative = (host.CLIPTextEncode().encode(self.clip, words)[0] for words in (text, ""))
        latent = {"samples": torch.zeros(1, 4, SIZE // 8, SIZE // 8)}
        sampled = host.KSampler().sample(self.model, seed, STEPS, CFG, "dpmpp_2m", "karras", positive, negative,
                                         latent, 1.0)[0]  # fmt: skip
        return self.vae.decode(sampled["samples"]).movedim(-1, 1).float().clamp(0, 1)

    def through(self, images):
        """Images (1, 3, H, W) as the autoencoder gives them back."""
        return self.vae.decode(self.vae.encode(images.movedim(1, -1))).movedim(-1, 1).float().clamp(0, 1)


def held_out(material, count, first=HELD_OUT):
    """[(caption, image)] of renders that nothing was trained on."""
    tiles = [render_material(material, first + number, SIZE, 0.6, ("basecolor",)) for number in range(count)]
    return [(caption_record(tile.record, "basecolor", 4, True), tile.maps["basecolor"][None]) for tile in tiles]


def statistics(images):
    return texture_statistics(torch.cat(images) * 2 - 1)


def judge_of(base, materials):
    """A nearest-class judge of materials, by their renders through the autoencoder."""
    known = [statistics([base.through(image) for _, image in held_out(one, RENDERED)]) for one in materials]
    classes = torch.arange(len(materials)).repeat_interleave(RENDERED)
    return NearestClass.fitted(torch.cat(known), classes)


def figures(base, file, known):
    """What the benchmark prints. known: a judge of the model's own materials."""
    lora, renders = Painter(file), held_out(NAME, RENDERED)
    own = statistics([image for _, image in renders])
    mean, deviation = own.mean(0), own.std(0).clamp(min=1e-6)

    def distance(images):
        return ((statistics(images) - mean) / deviation).square().mean(1).sqrt().mean().item()

    prompts = [f"{trigger()}, {caption}" for caption, _ in held_out(NAME, PAINTED, HELD_OUT + RENDERED)]
    without, with_it = ([one.paint(prompt, seed) for seed, prompt in enumerate(prompts)] for one in (base, lora))
    judge = judge_of(base, (NAME, *DISTRACTORS))
    others = [caption for material in SHIPPED.materials for caption, _ in held_out(material, KEPT)]
    classes = torch.arange(len(SHIPPED.materials)).repeat_interleave(KEPT)
    kept = [[one.paint(caption, seed) for seed, caption in enumerate(others)] for one in (base, lora)]
    told = [(known.classify(statistics(images)) == classes).sum().item() for images in kept]
    least = distance([base.through(image) for _, image in renders[:PAINTED]])
    before, after = distance(without), distance(with_it)
    return {
        "renders, decoded": f"{least:.2f}",
        "without": f"{before:.2f}",
        "with": f"{after:.2f}",
        "falls by": f"{100 * (1 - after / before):.0f} %",
        "told as its set": f"{(judge.classify(statistics(with_it)) == 0).sum().item()} of {PAINTED}",
        "others told, without": f"{told[0]} of {len(kept[0])}",
        "others told, with": f"{told[1]} of {len(kept[1])}",
    }


def lit(folder):
    """A saved material under one light, diffuse only."""
    color, normal = (read_image(next(folder.glob(f"*_{kind}.png"))) for kind in ("basecolor", "normal"))
    light = torch.nn.functional.normalize(torch.tensor(LIGHT), dim=0).view(3, 1, 1)
    shade = (decode_unit_normals(normal[None])[0] * light).sum(0).clamp(min=0) / light[2]
    shaded = srgb_from_linear((linear_from_srgb(color) * shade).clamp(0, 1))
    return Image.fromarray((shaded.movedim(0, -1) * 255).round().byte().numpy())


def pictures_of(output):
    """One of each column: the grid's second prompt with the last file, at all weights."""
    grid = output / "grids" / f"case_{NAME}"
    listing = read_listing(grid)
    last = max(cell["step"] or 0 for cell in listing["cells"])
    cells = [cell for cell in listing["cells"] if not cell["strength"] or cell["step"] == last]
    painted = [Image.open(grid / cell["pictures"][0]) for cell in sorted(cells, key=lambda cell: cell["strength"])]
    render = min((output / "datasets" / f"case_{NAME}").glob("*_basecolor.png"))
    tiled = max(output.glob(f"case_{NAME}_tiled_*.png"))
    return [Image.open(render), *painted, Image.open(tiled), lit(output / "materials" / f"case_{NAME}")]


def picture(pictures, file):
    """A row of pictures under the columns' names."""
    sheet = Image.new("RGB", (len(COLUMNS) * (SIDE + GAP) - GAP, HEAD + SIDE), "white")
    draw, font = ImageDraw.Draw(sheet), label_font(16)
    for column, (title, one) in enumerate(zip(COLUMNS, pictures, strict=True)):
        draw.text((column * (SIDE + GAP) + SIDE / 2, HEAD / 2), title, "#222222", font, anchor="mm")
        sheet.paste(one.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS), (column * (SIDE + GAP), HEAD))
    sheet.save(file, quality=88, optimize=True)


@torch.inference_mode()
def main(folder):
    output = folder / "output"
    lora = output / "loras" / f"case_{NAME}.safetensors"
    if not lora.is_file():
        host = Host(conftest.HOST, Path(sys.executable), ours=True)
        with running_server(host, folder / "base", output) as server:
            run_prompt(server.url, load(f"case_{NAME}"))
    picture(pictures_of(output), folder / "case_study.jpg")
    import comfy.utils

    comfy.utils.set_progress_bar_enabled(False)
    base = Painter()
    for name, value in figures(base, lora, judge_of(base, SHIPPED.materials)).items():
        print(f"{name:24} {value}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
