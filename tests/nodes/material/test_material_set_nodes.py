"""From a dataset of maps to a LoRA, and from it to the maps of one material: the nodes, on the demo model."""

from dataclasses import replace
from pathlib import Path

import comfy.sample
import folder_paths
import pytest
import torch
from comfy.ldm.wan.vae import WanVAE
from random_networks import random_weights
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_runs import SETTINGS
from tilewright.common.buckets import Buckets
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.host.material_sets import maps_of_lora
from tilewright.nodes.dataset import MaterialSetDataset
from tilewright.nodes.material import (
    EmptyMaterialSetLatent,
    GivenMaps,
    MaterialSetModel,
    MaterialSetPrompt,
    SplitMaterialSet,
)
from tilewright.nodes.training import LoraObjective, TrainLora
from tilewright.training.config import NetworkConfig, ObjectiveConfig, SavingConfig

import nodes as host_nodes

pytestmark = pytest.mark.slow
pytest_plugins = ["small_runs"]

KINDS = ("basecolor", "normal", "height")
MAPS = ", ".join(KINDS)


@pytest.fixture
def sets(tmp_path):
    """Two materials of flat maps."""
    colors = {"basecolor": (0.6, 0.3, 0.2), "normal": (0.5, 0.5, 1.0), "height": (0.4, 0.4, 0.4)}
    samples = []
    for number in range(2):
        for kind, color in colors.items():
            file = tmp_path / "maps" / f"m{number}_{kind}.png"
            write_png(file, torch.tensor(color).view(3, 1, 1).expand(3, 64, 64))
            samples.append(Sample(file, kind, (64, 64), caption="bricks", material=f"m{number}", tileable=True))
    return MaterialSetDataset.execute(TextureDataset(tuple(samples)), MAPS, "train on the maps there are", "auto").args[
        0
    ]


def together(**settings):
    widgets = {"maps": "together", "sharing_dropout": 0.0, **settings}
    return LoraObjective.execute(**widgets).args[0]


def train(runs, dataset, steps=2, **options):
    with torch.inference_mode():
        given = {**SETTINGS, "steps": steps, "objective": together(), **options}
        return TrainLora.execute(model=runs.model, vae=runs.vae, clip=runs.clip, dataset=dataset, **given).args


@torch.inference_mode()
def sample(model, positive, negative, latent, steps=2):
    noise = comfy.sample.prepare_noise(latent["samples"], 1, latent.get("batch_index"))
    samples = comfy.sample.sample(
        model, noise, steps, 3.0, "euler", "normal", positive, negative, latent["samples"],
        noise_mask=latent.get("noise_mask"), disable_pbar=True, seed=1,
    )  # fmt: skip
    return {"samples": samples}


def test_from_a_dataset_to_a_material(runs, sets):
    """The whole road: train, load the file with the host's own loader, prompt, sample with a given map, split."""
    path = train(runs, sets)[3]
    with safe_open(path, "pt") as file:
        told = file.metadata()
    assert told["tw_maps"] == "basecolor,normal,height" and told["tw_shared_attention"] == "3"
    folder_paths.add_model_folder_path("loras", str(runs.loras))
    model, clip = host_nodes.LoraLoader().load_lora(runs.model, runs.clip, "stripes.safetensors", 1.0, 1.0)
    with torch.inference_mode():
        model, maps = MaterialSetModel.execute(model, "").args
        assert maps == MAPS
        positive, negative, lines = MaterialSetPrompt.execute(clip, "bricks", "", maps).args
        assert lines.splitlines()[1] == "normal: normal map of bricks"
        picture = torch.rand(1, 64, 64, 3)
        latent, report = GivenMaps.execute(runs.vae, maps, basecolor=picture).args
        assert "Given: basecolor. Painted: normal, height." in report
        images = runs.vae.decode(sample(model, positive, negative, latent)["samples"])
        torch.testing.assert_close(images[:1], runs.vae.decode(runs.vae.encode(picture)), atol=1e-4, rtol=0)
        outputs = SplitMaterialSet.execute(images, maps).args
    basecolor, normal, height, roughness = outputs[:4]
    assert torch.equal(basecolor, images[:1])
    assert "the maps of this material set are basecolor, normal, height." in str(roughness)
    assert normal.shape == height.shape == (1, 64, 64, 3)
    assert "Material 1: normals and height" in outputs[-1]


def test_the_file_works_for_single_maps_in_a_plain_sampler_and_says_its_maps(runs, sets):
    model, clip = train(runs, sets, steps=1)[:2]
    assert maps_of_lora(model) == "basecolor,normal,height" and maps_of_lora(runs.model) == ""
    with torch.inference_mode():
        text = clip.encode_from_tokens_scheduled(clip.tokenize("normal map of bricks"))
        assert sample(model, text, text, {"samples": torch.zeros(1, 4, 8, 8)})["samples"].isfinite().all()


def test_a_stopped_run_of_sets_goes_on_to_the_same_weights(runs, sets):
    settings = {"objective": ObjectiveConfig(maps="together")}
    whole = runs.train_with(settings, sets, name="whole", steps=2)
    runs.train_with(settings, sets, name="parts", steps=1)
    parts = runs.train_with(settings, sets, name="parts", steps=2)
    assert len(parts.losses) == 2
    assert all(torch.equal(parts.state[name], whole.state[name]) for name in whole.state)


def test_pictures_on_the_way_show_all_maps_side_by_side(runs, sets):
    from PIL import Image

    saving = SavingConfig(sample_every=2, prompts="bricks")
    trained = runs.train_with({"objective": ObjectiveConfig(maps="together"), "saving": saving}, sets, steps=2)
    (picture,) = (trained.files.folder / "samples").glob("*.png")
    assert Image.open(picture).size == (3 * 64, 64)


def test_maps_together_need_sets(runs):
    with pytest.raises(InputError, match="Material Set Dataset last"):
        train(runs, runs.dataset)


def test_empty_latents_hold_whole_materials():
    latent = EmptyMaterialSetLatent.execute(128, 64, MAPS, 2, True).args[0]
    assert latent["samples"].shape == (6, 4, 8, 16) and latent["batch_index"] == [0, 0, 0, 1, 1, 1]
    noise = comfy.sample.prepare_noise(latent["samples"], 3, latent["batch_index"])
    assert torch.equal(noise[0], noise[2]) and not torch.equal(noise[0], noise[3])
    assert "batch_index" not in EmptyMaterialSetLatent.execute(64, 64, MAPS).args[0]


def test_given_maps_are_masked_rows_of_each_material(runs):
    heights, normals = torch.rand(2, 64, 64, 3), torch.tensor([0.5, 0.5, 1.0]).expand(1, 64, 64, 3)
    with torch.inference_mode():
        latent, _ = GivenMaps.execute(runs.vae, MAPS, height=heights, normal=normals, variations=2).args
        alone = runs.vae.encode(normals)
    assert latent["samples"].shape == (12, 4, 8, 8) and latent["noise_mask"].shape == (12, 1, 8, 8)
    assert latent["noise_mask"].amax((1, 2, 3)).tolist() == [1, 0, 0] * 4
    rows = latent["samples"].unflatten(0, (4, 3))
    assert torch.equal(rows[0], rows[1]) and not torch.equal(rows[1, 2], rows[2, 2])
    torch.testing.assert_close(rows[:, 1], alone.expand(4, -1, -1, -1), atol=1e-4, rtol=0)
    assert not rows[:, 0].any()


@pytest.mark.parametrize(
    ("images", "told"),
    [
        ({}, "No map is given"),
        ({"roughness": (1, 64)}, "roughness is connected, but the set's maps are"),
        ({"basecolor": (1, 64), "normal": (1, 64), "height": (1, 64)}, "nothing is left to paint"),
        ({"basecolor": (2, 64), "height": (3, 64)}, "batches of the given maps differ"),
        ({"basecolor": (1, 64), "height": (1, 72)}, "differ in size"),
        ({"basecolor": (1, 60)}, "multiples of 8.*56 x 56"),
    ],
)
def test_maps_that_cannot_be_given_are_refused(runs, images, told):
    flat = torch.tensor([0.5, 0.5, 1.0])
    given = {name: flat.expand(count, side, side, 3) for name, (count, side) in images.items()}
    with pytest.raises(InputError, match=told), torch.inference_mode():
        GivenMaps.execute(runs.vae, MAPS, **given)


def test_maps_that_come_out_at_unlike_sizes_end_a_training_at_its_start(runs, sets, tmp_path):
    """Without upscaling a smaller map of the same proportions stays smaller."""
    write_png(tmp_path / "maps" / "m1_height.png", torch.full((3, 32, 32), 0.4))
    unlike = replace(sets, buckets=Buckets(step=8, upscale=False))
    with pytest.raises(InputError, match=r"material m1 .*unlike sizes: .*normal 64 x 64, height 32 x 32"):
        train(runs, unlike)
    assert not list(runs.loras.glob("*"))
    train(runs, unlike, objective=together(maps="apart"))


def test_a_batch_of_given_maps_is_no_video():
    """An autoencoder of videos takes a batch for frames, which it would squeeze into fewer and mix."""
    small = {"dim": 8, "z_dim": 16, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2}
    vae = random_weights(WanVAE(**small, attn_scales=[], temperal_downsample=[False, True, True], dropout=0.0))
    images = torch.stack([torch.full((64, 64, 3), 0.2), torch.rand(64, 64, 3)])
    with torch.inference_mode():
        rows = GivenMaps.execute(vae, MAPS, basecolor=images).args[0]["samples"]
        alone = [vae.encode(image[None]) for image in images]
    assert rows.shape == (6, 16, 1, 8, 8)
    torch.testing.assert_close(rows[[0, 3]], torch.cat(alone))


def test_a_given_normal_that_points_down_is_turned(runs):
    up = torch.tensor([0.5, 0.7, 0.9]).expand(1, 64, 64, 3)
    down = torch.tensor([0.5, 0.3, 0.9]).expand(1, 64, 64, 3)
    with torch.inference_mode():
        latents = [
            GivenMaps.execute(runs.vae, MAPS, convention=name, normal=image).args[0]["samples"]
            for name, image in (("OpenGL", up), ("DirectX", down))
        ]
    torch.testing.assert_close(*latents, atol=1e-4, rtol=0)


def test_a_model_without_a_word_of_its_maps_asks_for_them(runs):
    with pytest.raises(InputError, match="no LoRA in the model says"):
        MaterialSetModel.execute(runs.model, "")
    assert MaterialSetModel.execute(runs.model, " Height ,basecolor").args[1] == "height, basecolor"


def test_maps_that_the_lora_does_not_know_are_refused(runs):
    model = runs.model.clone()
    model.set_attachments("lora_metadata", {"tw_maps": "basecolor,normal"})
    with pytest.raises(InputError, match="trained on basecolor, normal, not on height"):
        MaterialSetModel.execute(model, MAPS)


def test_prompts_have_a_row_for_each_map(runs):
    with torch.inference_mode():
        positive, negative, _ = MaterialSetPrompt.execute(runs.clip, "red " * 100, "blurry", MAPS).args
        alone = runs.clip.encode_from_tokens(runs.clip.tokenize("height map, blurry"))
    assert positive[0][0].shape[:2] == (3, 154)
    torch.testing.assert_close(negative[0][0][2:], alone)


def test_directx_normals_come_out_of_a_split_turned():
    images = torch.tensor([[0.5, 0.5, 1.0], [0.3, 0.3, 0.3]])[:, None, None].expand(2, 32, 32, 3).clone()
    images[0, 8:16, :, 1] = 0.7
    up, down = (
        SplitMaterialSet.execute(images, "normal, height", convention=name).args[1] for name in ("OpenGL", "DirectX")
    )
    torch.testing.assert_close(up[..., 1], 1 - down[..., 1])


def test_a_training_of_sets_does_not_start_from_one_whose_maps_saw_each_other_otherwise(runs, sets):
    path = Path(train(runs, sets)[3])
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    folder_paths.add_model_folder_path("loras", str(runs.loras))
    for version in ("3", "2"):
        save_file(load_file(path), runs.loras / f"v{version}.safetensors", {**metadata, "tw_shared_attention": version})
    assert train(runs, sets, name="on", network=NetworkConfig(start_from="v3.safetensors"))[3]
    with pytest.raises(InputError, match=r"The LoRA to start from, v2.safetensors, was trained by another version"):
        train(runs, sets, name="no", network=NetworkConfig(start_from="v2.safetensors"))
