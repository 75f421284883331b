"""A LoRA that learns six renders by heart, and what Score Grid says of its checkpoints, for docs/evaluation.md.

On a real server and the demo model: six terrazzo renders are trained on for 3000 steps without rolling them, so that
nothing keeps the LoRA from learning them as they are; checkpoints of 50, 150, 600 and 3000 steps are painted, scored
and chosen among. Run with `python run.py bench learnt_by_heart FOLDER`; a folder that holds the LoRAs or the pictures
already goes on from there. The training takes about 15 minutes of one core, the pictures half of that.
"""

import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, I001
from PIL import Image  # noqa: E402
from tilewright.common.images import read_image  # noqa: E402
from tilewright.evaluation.cells import Cell  # noqa: E402
from tilewright.evaluation.grid_listing import read_listing  # noqa: E402
from tilewright.evaluation.sheet import contact_sheet, to_image  # noqa: E402
from tilewright.launch.client import run_prompt  # noqa: E402
from tilewright.launch.hosts import Host  # noqa: E402
from tilewright.launch.server import running_server  # noqa: E402
from tilewright.training.config import ObjectiveConfig  # noqa: E402

RUN, STEPS, KEPT = "learnt_by_heart", 3000, (50, 150, 600)
SIZE = 128  # px: the demo model paints 256 as well, in four times the time
LORAS = [f"{RUN}-step{step:08}.safetensors" for step in KEPT] + [f"{RUN}.safetensors"]
PROMPTS = ["brick wall, red bricks", "woven reed"]
HELD_OUT, SEEDS = 8, 2
LAST = 12 * (HELD_OUT + len(PROMPTS)) * SEEDS  # the first picture of the last of 12 cells, after those without LoRA


def renders(count, seed, folder):
    """Render Procedural and the captions of what it paints."""
    drawn = {"material": "terrazzo", "count": count, "size": SIZE, "seed": seed, "folder": f"{RUN}_{folder}",
             "variation": 0.6, "map": "basecolor", "image_limit": 4, "leave_out": "none"}  # fmt: skip
    return {
        folder: {"class_type": "TilewrightRenderProcedural", "inputs": drawn},
        f"{folder}, captioned": {
            "class_type": "TilewrightCaptionFromParameters",
            "inputs": {"dataset": [folder, 0], "details": 4, "colors": True},
        },
    }


def sets():
    """Demo model, six renders to learn and eight that are held out."""
    model = {"demo": {"class_type": "TilewrightDemoModel", "inputs": {}}}
    return {**model, **renders(6, 7, "training"), **renders(HELD_OUT, 107, "held_out")}


def training_graph():
    network = {"kind": "LoRA", "conv_rank": 32, "dropout": 0, "blocks": "all", "text_encoder": False,
               "start_from": "none"}  # fmt: skip
    saving = {"every_steps": 50, "every_epochs": 0, "keep_last": 0, "precision": "float16", "sample_every": 0,
              "prompts": "", "validation_share": 0, "validation_every": 150, "state_every": 250, "resume": True,
              "trigger_words": "", "comment": ""}  # fmt: skip
    trained = {"name": RUN, "steps": STEPS, "batch_size": 2, "resolution": SIZE, "rank": 32, "alpha": 32,
               "learning_rate": 1e-3, "seed": 1}  # fmt: skip
    links = {"model": ["demo", 0], "clip": ["demo", 1], "vae": ["demo", 2], "dataset": ["training, captioned", 0],
             "validation": ["held_out, captioned", 0], "network": ["network", 0], "objective": ["objective", 0],
             "saving": ["saving", 0]}  # fmt: skip
    objective = {**asdict(ObjectiveConfig(roll=False)), "max_tokens": "75"}  # a choice is text in a graph
    return {
        **sets(),
        "network": {"class_type": "TilewrightLoraNetwork", "inputs": network},
        "objective": {"class_type": "TilewrightLoraObjective", "inputs": objective},
        "saving": {"class_type": "TilewrightLoraSaving", "inputs": saving},
        "train": {"class_type": "TilewrightTrainLora", "inputs": {**links, **trained}},
        "curve": {"class_type": "SaveImage", "inputs": {"images": ["train", 4], "filename_prefix": "curve"}},
    }


def chosen_graph():
    """Every checkpoint at three weights on the held-out captions and two prompts of other things, scored."""
    painted = {"loras": "\n".join(LORAS), "strengths": "0.4 0.7 1", "prompts": "\n".join(PROMPTS), "seeds": "1 2",
               "steps": 12, "cfg": 2.0, "sampler_name": "dpmpp_2m", "scheduler": "karras", "width": SIZE,
               "height": SIZE, "negative": "", "name": RUN, "thumbnail": 64}  # fmt: skip
    seamless = {"axes": "both", "start": 0.0, "end": 1.0, "roll": False, "model": ["demo", 0]}
    models = {"model": ["seamless", 0], "clip": ["demo", 1], "vae": ["seamless VAE", 0]}
    renders = {"training": ["training, captioned", 0], "held_out": ["held_out, captioned", 0]}
    return {
        **sets(),
        "seamless": {"class_type": "TilewrightSeamlessModel", "inputs": seamless},
        "seamless VAE": {"class_type": "TilewrightSeamlessVAE", "inputs": {"axes": "both", "vae": ["demo", 2]}},
        "grid": {
            "class_type": "TilewrightLoraGrid",
            "inputs": {**painted, **models, "dataset": ["held_out, captioned", 0]},
        },
        "scores": {
            "class_type": "TilewrightScoreGrid",
            "inputs": {"grid": ["grid", 0], **renders, "fresh_seeds": 2},
        },
        "table": {"class_type": "SaveImage", "inputs": {"images": ["scores", 4], "filename_prefix": "table"}},
        "last": {"class_type": "ImageFromBatch", "inputs": {"image": ["grid", 1], "batch_index": LAST, "length": 8}},
        "copies": {"class_type": "TilewrightCheckOverfit", "inputs": {
            "images": ["last", 0], "dataset": renders["training"], "held_out": renders["held_out"]}},
        "pairs": {"class_type": "SaveImage", "inputs": {"images": ["copies", 2], "filename_prefix": "copies"}},
    }  # fmt: skip


def summary_sheet(grid):
    """(H, W, 3): two held-out captions and a prompt of something else in every cell, one seed, as the rule saw them."""
    listing = read_listing(grid)
    told = {Cell(one["lora"], one["strength"], one["step"]): one for one in listing["cells"]}
    shown = [0, 1, HELD_OUT]

    def pictures(cell):
        return [read_image(grid / told[cell]["pictures"][number * SEEDS]) for number in shown]

    refused = {cell: one["scores"]["refused"] for cell, one in told.items() if one["scores"]["refused"]}
    chosen = next((cell for cell, one in told.items() if one["choice"] == listing["chosen"]), None)
    prompts = [listing["prompts"][number] for number in shown]
    return to_image(contact_sheet(list(told), pictures, prompts, 1, 128, notes=refused, chosen=chosen))[0]


def save(picture, file):
    file.parent.mkdir(exist_ok=True)
    Image.fromarray((picture.clamp(0, 1) * 255).round().byte().numpy()).save(file, quality=80, method=6)


def newest(folder, name):
    return read_image(max(folder.glob(f"{name}_*.png"))).movedim(0, -1)


def main(folder):
    with running_server(Host(conftest.HOST, Path(sys.executable), ours=True), Path(folder, "base"),
                        Path(folder, "output")) as server:  # fmt: skip
        if not (server.output / "loras" / LORAS[-1]).is_file():
            run_prompt(server.url, training_graph())
        run_prompt(server.url, chosen_graph())
        grid = server.output / "grids" / RUN
        print((grid / "report.txt").read_text(encoding="utf-8"))
        pictures = folder / "pictures"
        save(newest(server.output, "curve"), pictures / "learnt_by_heart_loss.webp")
        save(summary_sheet(grid), pictures / "TilewrightLoraGrid.webp")
        save(newest(server.output, "table"), pictures / "learnt_by_heart_scores.webp")
        save(newest(server.output, "copies"), pictures / "TilewrightCheckOverfit.webp")
        print(f"the pictures of docs/evaluation.md and of two help pages are in {pictures}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
