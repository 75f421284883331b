"""What a LoRA of material sets learns, small: where the stones of a given basecolor lie, there the height rises."""

import comfy.sample
import comfy.sd
import comfy.utils
import pytest
import torch
from small_runs import SETTINGS
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.nodes.dataset import MaterialSetDataset
from tilewright.nodes.material import GivenMaps, MaterialSetModel, MaterialSetPrompt
from tilewright.nodes.seamless import SeamlessModel, SeamlessVAE
from tilewright.nodes.training import LoraNetwork, LoraObjective, TrainLora

pytestmark = pytest.mark.slow
pytest_plugins = ["small_runs"]

SIZE, MAPS = 64, "basecolor, height"
CAPTION = "light stones on dark ground"


def stones(seed):
    """(H, W) of 0 and 1: six round stones on a torus."""
    draw = torch.Generator().manual_seed(seed)
    grid = torch.arange(SIZE).float()
    picture = torch.zeros(SIZE, SIZE)
    for x, y in (torch.rand(6, 2, generator=draw) * SIZE).tolist():
        away = [(grid - at + SIZE / 2).remainder(SIZE) - SIZE / 2 for at in (y, x)]
        picture = torch.maximum(picture, (9 - torch.hypot(away[0][:, None], away[1][None])).clamp(0, 1))
    return picture


def maps_of(seed):
    shape = stones(seed).expand(3, SIZE, SIZE)
    return {"basecolor": 0.15 + 0.6 * shape, "height": 0.1 + 0.8 * shape}


@pytest.fixture
def sets(tmp_path):
    samples = []
    for seed in range(32):
        for kind, picture in maps_of(seed).items():
            file = tmp_path / "maps" / f"m{seed}_{kind}.png"
            write_png(file, picture)
            samples.append(Sample(file, kind, (SIZE, SIZE), caption=CAPTION, material=f"m{seed}", tileable=True))
    return MaterialSetDataset.execute(TextureDataset(tuple(samples)), MAPS, "train on the maps there are", "auto")[0]


def test_a_height_is_laid_under_a_given_basecolor(runs, sets):
    objective = LoraObjective.execute(maps="together", noise_offset=0.4, min_snr_gamma=0.05)[0]
    network = LoraNetwork.execute(start_from="none", kind="LoRA", conv_rank=8)[0]
    trained = {**SETTINGS, "steps": 150, "batch_size": 4, "rank": 16, "alpha": 16.0, "learning_rate": 2e-3}
    with torch.inference_mode():
        path = TrainLora.execute(
            model=runs.model,
            vae=runs.vae,
            clip=runs.clip,
            dataset=sets,
            objective=objective,
            network=network,
            **trained,
        )[3]
        weights, metadata = comfy.utils.load_torch_file(path, return_metadata=True)
        model, clip = comfy.sd.load_lora_for_models(runs.model, runs.clip, weights, 1.0, 1.0, lora_metadata=metadata)
        model, maps = MaterialSetModel.execute(SeamlessModel.execute(model, "both")[0], "").args
        vae = SeamlessVAE.execute(runs.vae, "both")[0]
        positive, negative, _ = MaterialSetPrompt.execute(clip, CAPTION, "", maps).args
        heights = []
        for seed in range(100, 104):
            given = maps_of(seed)["basecolor"][None].movedim(1, -1)
            latent = GivenMaps.execute(vae, maps, basecolor=given)[0]
            noise = comfy.sample.prepare_noise(latent["samples"], seed)
            samples = comfy.sample.sample(
                model, noise, 8, 1.0, "euler", "normal", positive, negative, latent["samples"],
                noise_mask=latent["noise_mask"], disable_pbar=True, seed=seed,
            )  # fmt: skip
            heights.append(vae.decode(samples)[1].mean(-1))
    own, others = [], []
    for number, height in enumerate(heights):
        alike = [
            torch.corrcoef(torch.stack([height.flatten(), stones(seed).flatten()]))[0, 1] for seed in range(100, 104)
        ]
        own.append(alike.pop(number))
        others += alike
    assert min(own) > 0.5 > 0.3 > max(others)
