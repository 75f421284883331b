"""What a LoRA of material sets has learnt: do its maps show one surface, and what does a basecolor tell of the others?

On a real server and the demo model, with the training of workflow train_material_set: the maps of each render together
(`shared`) and, for comparison, each by itself at as many rows a step (`apart`). The demo model's autoencoder cannot
carry normals, so the sets are basecolor, height and roughness. On held-out renders:

- text to set: how alike the edges of basecolor and height are, beside the same pictures paired with another material's
  and beside renders through the autoencoder, the most that can be had;
- what a clean basecolor tells of a noisy height: the error of the predicted height beside the render's own basecolor,
  beside that one rolled away, and beside another render's;
- basecolor to the rest: errors of height, of the normals that follow from it and of roughness, beside flat maps, Height
  from Image, the maps of the training material most like it, and a ridge on patches of the colours;
- all maps of a set tile, and what a set costs beside its maps sampled one by one.

Run with `python run.py bench material_sets FOLDER [renders] [steps]`; a folder that holds a LoRA already goes on from
there.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, I001
from _map_baselines import Baselines  # noqa: E402
import torch  # noqa: E402
from tilewright.common.axes import Axes  # noqa: E402
from tilewright.common.image_writing import write_png  # noqa: E402
from tilewright.common.seams import seam_statistics  # noqa: E402
from tilewright.dataset.procedural.render import render_material  # noqa: E402
from tilewright.evaluation.bootstrap import draw_counts, interval, weighted_mean  # noqa: E402
from tilewright.launch.client import run_prompt  # noqa: E402
from tilewright.launch.hosts import Host  # noqa: E402
from tilewright.launch.server import running_server  # noqa: E402
from tilewright.material.derivatives import height_gradient  # noqa: E402
from tilewright.material.filters import gaussian_blur  # noqa: E402
from tilewright.material.map_inputs import luminance  # noqa: E402
from tilewright.material.normals import decode_unit_normals, normal_map  # noqa: E402

KINDS = ("basecolor", "height", "roughness")  # the demo model's autoencoder cannot carry normals
MAPS = ", ".join(KINDS)
BOTH = Axes(x=True, y=True)
MATERIAL, SIZE, FIRST, HELD_OUT, RENDERED = "cobblestone", 256, 100, 900_000, 20  # as in the template
CFG, STEPS, METHOD = 2.0, 20, "scharr"
SIGMAS, ROLL = (10.0, 4.0, 1.5, 0.6), (12, 16)  # latents, whole tokens of every attention
ARMS = {"shared": ("together", 4), "apart": ("apart", 4 * len(KINDS))}  # maps of the objective, batch size
TEMPLATE = Path(__file__).resolve().parents[2] / "workflows" / "api" / "train_material_set.json"


def training_graph(arm, count, steps):
    """The training of workflow train_material_set, with the maps and the batch size of one arm."""
    graph = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    by_class = {node["class_type"]: key for key, node in graph.items() if node["_meta"]["group"][:1] in "12"}
    maps, batch = ARMS[arm]
    given = {
        "TilewrightRenderProcedural": {"count": count, "folder": "bench_sets"},
        "TilewrightLoraObjective": {"maps": maps},
        "TilewrightTrainLora": {"name": f"bench_sets_{arm}", "steps": steps, "batch_size": batch},
    }
    for class_type, values in given.items():
        graph[by_class[class_type]]["inputs"] |= values
    curve = {"images": [by_class["TilewrightTrainLora"], 4], "filename_prefix": f"curve_{arm}"}
    return {key: graph[key] for key in by_class.values()} | {"curve": {"class_type": "SaveImage", "inputs": curve}}


def train(folder, count, steps):
    """The LoRA files of both arms."""
    with running_server(Host(conftest.HOST, Path(sys.executable), ours=True), folder / "base",
                        folder / "output") as server:  # fmt: skip
        files = {arm: server.output / "loras" / f"bench_sets_{arm}.safetensors" for arm in ARMS}
        for arm, file in files.items():
            if not file.is_file():
                run_prompt(server.url, training_graph(arm, count, steps))
    return files


class Painter:
    """The demo model with an arm's LoRA, by the nodes of a graph."""

    def __init__(self, arm, file):
        import comfy.sd
        import comfy.utils
        from tilewright.host.demo_model import load_demo_model
        from tilewright.nodes.seamless import SeamlessModel, SeamlessVAE

        model, clip, vae = load_demo_model()
        state, metadata = comfy.utils.load_torch_file(str(file), return_metadata=True)
        model, self.clip = comfy.sd.load_lora_for_models(model, clip, state, 1.0, 1.0, lora_metadata=metadata)
        self.model, self.vae = SeamlessModel.execute(model, "both").args[0], SeamlessVAE.execute(vae, "both").args[0]
        if ARMS[arm][0] == "together":
            from tilewright.nodes.material.material_sets import MaterialSetModel

            self.model = MaterialSetModel.execute(self.model, MAPS).args[0]

    def paint(self, text, seed, basecolor=None):
        """One material's maps, (1, C, H, W) of 0..1 by kind; of a basecolor (1, 3, H, W) if one is given."""
        from tilewright.nodes.material import material_sets

        import nodes as host

        positive, negative, _ = material_sets.MaterialSetPrompt.execute(self.clip, text, "", MAPS).args
        if basecolor is None:
            latent = material_sets.EmptyMaterialSetLatent.execute(SIZE, SIZE, MAPS).args[0]
        else:
            latent = material_sets.GivenMaps.execute(self.vae, MAPS, basecolor=basecolor.movedim(1, -1)).args[0]
        sampled = host.KSampler().sample(self.model, seed, STEPS, CFG, "dpmpp_2m", "karras", positive, negative,
                                         latent, 1.0)[0]  # fmt: skip
        images = self.vae.decode(sampled["samples"]).movedim(-1, 1).float().cpu().clamp(0, 1)
        return as_maps(images)

    def paint_apart(self, text, seed):
        """Each map in a sampling of its own."""
        from tilewright.nodes.material import material_sets

        import nodes as host

        for kind in KINDS:
            positive, negative, _ = material_sets.MaterialSetPrompt.execute(self.clip, text, "", kind).args
            latent = material_sets.EmptyMaterialSetLatent.execute(SIZE, SIZE, kind).args[0]
            sampled = host.KSampler().sample(self.model, seed, STEPS, CFG, "dpmpp_2m", "karras", positive, negative,
                                             latent, 1.0)[0]  # fmt: skip
            self.vae.decode(sampled["samples"])

    def through(self, maps):
        """A render's maps as the autoencoder gives them back."""
        images = torch.cat([maps[kind].expand(1, 3, SIZE, SIZE) for kind in KINDS])
        return as_maps(self.vae.decode(self.vae.encode(images.movedim(1, -1))).movedim(-1, 1).float().clamp(0, 1))


def predicted_height(painter, context, latents, basecolor, sigma, seed):
    """The latents (4, h, w) of the height as predicted from a noise of `sigma` beside a clean basecolor (4, h, w)."""
    from tilewright.host.material_sets import NEARLY_CLEAN

    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(seed))
    noisy = latents + sigma * noise
    noisy[0] = basecolor
    sigmas = torch.tensor([NEARLY_CLEAN, *[sigma] * (len(KINDS) - 1)])
    options = {**painter.model.model_options["transformer_options"], "sample_sigmas": sigmas, "sigmas": sigmas}
    return painter.model.model._apply_model(noisy, sigmas, c_crossattn=context, transformer_options=options)[1]


def told_by_basecolors(painter, held_out):
    """{sigma: errors} of predicted heights, in shares of their variance."""
    import comfy.model_management
    from tilewright.nodes.material.material_sets import MaterialSetPrompt

    contexts = [MaterialSetPrompt.execute(painter.clip, text, "", MAPS).args[0][0][0] for text, _ in held_out]
    comfy.model_management.load_models_gpu([painter.model])
    scale = painter.model.model.latent_format.scale_factor
    images = [torch.cat([maps[kind].expand(1, 3, SIZE, SIZE) for kind in KINDS]) for _, maps in held_out]
    latents = [painter.vae.encode(image.movedim(1, -1)) * scale for image in images]
    for sigma in SIGMAS:
        errors = {}
        for number, (context, own) in enumerate(zip(contexts, latents, strict=True)):
            others = {"own": own[0], "rolled": own[0].roll(ROLL, (-2, -1)), "another's": latents[number - 1][0]}
            for name, basecolor in others.items():
                found = predicted_height(painter, context, own, basecolor, sigma, number)
                errors.setdefault(name, []).append(((found - own[1]).square().mean() / own[1].var()).item())
        yield sigma, {name: sum(values) / len(values) for name, values in errors.items()}


def seconds(action):
    """Processor seconds, the median of three."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        action()
        taken.append(time.process_time() - start)
    return sorted(taken)[1]


def as_maps(images):
    """Rows (3, 3, H, W) by kind; grey maps have the mean of the channels."""
    rows = {kind: image[None] for kind, image in zip(KINDS, images, strict=True)}
    return rows | {kind: rows[kind].mean(1, keepdim=True) for kind in ("height", "roughness")}


def renders(count, first):
    """[(caption, maps)] of renders."""
    from tilewright.captions.from_parameters import caption_record

    tiles = [render_material(MATERIAL, first + number, SIZE, maps=(*KINDS, "normal")) for number in range(count)]
    return [
        (caption_record(tile.record, "basecolor", 4, True), {kind: one[None] for kind, one in tile.maps.items()})
        for tile in tiles
    ]


def fitted(found, true):
    """A height at its best scale and offset for the true one, and the least squares error in its deviations."""
    a, b = (image - image.mean() for image in (found, true))
    scaled = a * ((a * b).sum() / a.square().sum().clamp(min=1e-12))
    return scaled, ((scaled - b).square().mean().sqrt() / b.square().mean().sqrt().clamp(min=1e-6)).item()


def rise(maps):
    """By how many pixels a render's height rises from 0 to 1: that which gives its own normals."""
    slopes = torch.cat(height_gradient(maps["height"], METHOD, BOTH), 1)
    true = decode_unit_normals(maps["normal"])
    steep = -true[:, :2] / true[:, 2:].clamp(min=0.05) * torch.tensor([1.0, -1.0]).view(1, 2, 1, 1)
    return ((slopes * steep).sum() / slopes.square().sum()).item()


def errors(found, true):
    """Of a material's height, of the normals that follow from it, and of its roughness."""
    height, error = fitted(found["height"], true["height"])
    normals = normal_map(height, rise(true), METHOD, BOTH, "OpenGL")
    cosine = (decode_unit_normals(normals) * decode_unit_normals(true["normal"])).sum(1).clamp(-1, 1)
    return {
        "height": error,
        "normals of it, degrees": torch.rad2deg(torch.acos(cosine)).mean().item(),
        "roughness": (found["roughness"] - true["roughness"]).square().mean().sqrt().item(),
    }


def edges(image):
    """How steep a grey image (1, 1, H, W) is, without its finest grain."""
    across, down = height_gradient(gaussian_blur(image, 1.5, BOTH), METHOD, BOTH)
    return torch.hypot(across, down).flatten()


def edges_agree(maps, other=None):
    """Correlation of the edges of a material's basecolor with those of its height, or of another material's."""
    pair = torch.stack([edges(luminance(maps["basecolor"])), edges((other or maps)["height"])])
    return torch.corrcoef(pair)[0, 1].item()


def table(title, rows):
    """rows: name -> list of {figure: value} a material. Prints means and, in brackets, the 95 % interval of
    the paired difference to the last row."""
    print(f"\n{title}")
    names = list(next(iter(rows.values()))[0])
    print(f"{'':28}" + "".join(f"{name:>30}" for name in names))
    last = list(rows)[-1]
    for row in rows:
        line = f"{row:28}"
        for name in names:
            own, best = (torch.tensor([one[name] for one in rows[key]], dtype=torch.float64) for key in (row, last))
            counts = draw_counts(torch.arange(len(own)))
            low, high = interval(weighted_mean(own - best, counts), len(own))
            line += f"{own.mean():10.3f}" + (f" ({low:+8.3f} {high:+8.3f}) " if row != last else " " * 20)
        print(line)


@torch.inference_mode()
def main(folder, count=200, steps=1500):
    files = train(folder, count, steps)
    held_out = renders(RENDERED, HELD_OUT)
    true = [maps for _, maps in held_out]
    painters = {arm: Painter(arm, file) for arm, file in files.items()}
    sets = {arm: [painter.paint(text, seed) for seed, (text, _) in enumerate(held_out)]
            for arm, painter in painters.items()}  # fmt: skip
    through = [painters["shared"].through(maps) for maps in true]
    shuffled = list(zip(sets["shared"], sets["shared"][1:] + sets["shared"][:1], strict=True))
    rows = {
        "renders": [{"edges": edges_agree(maps)} for maps in true],
        "renders, decoded": [{"edges": edges_agree(maps)} for maps in through],
        "shared, another's height": [{"edges": edges_agree(one, other)} for one, other in shuffled],
        **{arm: [{"edges": edges_agree(maps)} for maps in sets[arm]] for arm in ("apart", "shared")},
    }
    table(f"{RENDERED} materials from text: correlation of the edges of basecolor and height", rows)
    worst = {kind: max(seam_statistics(maps[kind].double(), axis).q for maps in sets["shared"] for axis in "xy")
             for kind in KINDS}  # fmt: skip
    print("largest Q, of 1.05 allowed: " + ", ".join(f"{kind} {q:.2f}" for kind, q in worst.items()))
    print("error of predicted heights, in shares of their variance, beside a clean basecolor:")
    for sigma, errors_of in told_by_basecolors(painters["shared"], held_out):
        print(f"  sigma {sigma:4.1f}  " + ", ".join(f"{name} {error:.3f}" for name, error in errors_of.items()))
    together = seconds(lambda: painters["shared"].paint(held_out[0][0], 0))
    apart = seconds(lambda: painters["apart"].paint_apart(held_out[0][0], 0))
    print(f"a set of {len(KINDS)} maps takes {together:.2f} processor seconds, its maps one by one {apart:.2f}")
    given = [painters["shared"].paint(text, seed, maps["basecolor"]) for seed, (text, maps) in enumerate(held_out)]
    guesses = Baselines([maps for _, maps in renders(count, FIRST)])
    guessed = [guesses(maps["basecolor"]) for maps in true]
    found = {name: [one[name] for one in guessed] for name in guessed[0]}
    found |= {"from the text alone": sets["shared"], "autoencoder alone": through, "from the basecolor": given}
    rows = {name: [errors(*pair) for pair in zip(maps, true, strict=True)] for name, maps in found.items()}
    table(f"{RENDERED} held-out basecolors to the rest: errors", rows)
    for name, painted in {"renders": true, "from_text": sets["shared"], "from_basecolor": given}.items():
        columns = [torch.cat([maps[kind].expand(1, 3, SIZE, SIZE) for kind in KINDS], 2) for maps in painted[:8]]
        write_png(folder / f"{name}.png", torch.cat(columns, 3)[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *map(int, sys.argv[2:]))
