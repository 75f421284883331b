"""Images and captions on their way into the trainer: what each becomes, once, and what is kept of it on a disk."""

from dataclasses import replace

import comfy.model_management
import comfy.sd
import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.host import training as host_training
from tilewright.host.in_graph import latents as encoding
from tilewright.host.in_graph.latents import cached_examples
from tilewright.host.in_graph.model import unet_denoiser
from tilewright.host.in_graph.text_conditioning import text_encoder
from tilewright.training.config import ObjectiveConfig, TrainingConfig
from tilewright.training.data import Conditioning

pytestmark = pytest.mark.slow

pytest_plugins = ["small_runs"]
CPU = torch.device("cpu")
CONFIG = TrainingConfig(resolution=64)
ON_DISK = TrainingConfig(resolution=64, cache="disk")


def test_latents_are_scaled_once(runs):
    (example, *_), _ = cached_examples(
        runs.model, runs.vae, replace(runs.dataset, samples=runs.dataset.samples[:1]), CONFIG
    )
    stripes = (torch.arange(64) % 4 < 2).float().expand(3, 64, 64)
    with torch.inference_mode():
        raw = encoding.wrapped_vae(runs.vae).encode(stripes.movedim(0, -1).unsqueeze(0))[0]
    torch.testing.assert_close(example.latent, raw * 0.18215)


def test_a_tileable_image_is_encoded_as_a_torus(runs):
    image = torch.rand(3, 128, 128)
    torus = encoding.wrapped_vae(runs.vae)
    latent = encoding.encode_image(torus, image)
    rolled = encoding.encode_image(torus, image.roll((24, 40), (-2, -1)))
    assert (rolled - latent.roll((3, 5), (-2, -1))).norm() / latent.norm() < 1e-5


def test_the_denoiser_is_the_hosts_own(runs):
    noisy, context, timestep = torch.randn(1, 4, 8, 8), torch.randn(1, 77, 128), torch.tensor([300])
    unet = host_training.unet_for_training(runs.model, CPU, torch.float32)
    with torch.inference_mode():
        ours = unet_denoiser(unet)(noisy, timestep, Conditioning(context))
        expected = runs.model.model.diffusion_model(noisy, timestep.float(), context)
    torch.testing.assert_close(ours, expected)


def test_images_of_several_aspects_train_in_their_own_buckets(runs):
    samples = []
    for number, (width, height) in enumerate([(256, 256), (512, 256), (256, 512)]):
        file = runs.folder / f"{number}.png"
        write_png(file, torch.rand(3, height, width))
        samples.append(Sample(file, "basecolor", (width, height), caption="noise"))
    config = replace(CONFIG, resolution=256)
    examples, _ = cached_examples(runs.model, runs.vae, TextureDataset(tuple(samples)), config)
    assert [example.size for example in examples] == [(256, 256), (320, 192), (192, 320)]
    assert [tuple(example.latent.shape) for example in examples] == [(4, 32, 32), (4, 24, 40), (4, 40, 24)]


def test_a_damaged_image_is_left_out_by_name_and_alone_it_is_refused(runs):
    broken = runs.folder / "broken.png"
    broken.write_bytes(b"no picture")
    bad = Sample(broken, "basecolor", (64, 64), caption="nothing")
    both = TextureDataset((*runs.dataset.samples, bad))
    examples, left_out = cached_examples(runs.model, runs.vae, both, CONFIG)
    assert len(examples) == 3 and len(left_out) == 1 and "broken.png" in left_out[0]
    for config in (CONFIG, ON_DISK):
        with pytest.raises(InputError, match="broken.png"):
            cached_examples(runs.model, runs.vae, TextureDataset((bad,)), config)


def test_an_empty_dataset_is_refused(runs):
    with pytest.raises(InputError, match="no images"):
        runs.train(dataset=TextureDataset(()))


@pytest.fixture
def encodings(runs, monkeypatch):
    """Grows by one with every image that the VAE and every caption that the text encoder really encodes."""
    made = []

    def counting(method):
        def counted(self, *arguments, **named):
            made.append(method.__name__)
            return method(self, *arguments, **named)

        return counted

    monkeypatch.setattr(comfy.sd.VAE, "encode", counting(comfy.sd.VAE.encode))
    monkeypatch.setattr(comfy.sd.CLIP, "encode_from_tokens", counting(comfy.sd.CLIP.encode_from_tokens))
    return made


def encode_all(runs, config=ON_DISK, **other):
    """The latents and contexts of the dataset."""
    inputs = {"model": runs.model, "vae": runs.vae, "clip": runs.clip, "dataset": runs.dataset, **other}
    examples, _ = cached_examples(inputs["model"], inputs["vae"], inputs["dataset"], config)
    texts, _ = text_encoder(inputs["model"], inputs["clip"], examples, config, CPU)
    told = texts([example.caption for example in examples], [example.size for example in examples])
    return [example.latent for example in examples], told.context


def test_what_is_kept_on_disk_is_not_encoded_again_and_is_the_same_to_the_last_bit(runs, encodings):
    in_memory = encode_all(runs, CONFIG)
    first = encode_all(runs)
    assert len(encodings) == 12  # three images and three captions, twice
    again = encode_all(runs)
    assert len(encodings) == 12
    for latents, context in (first, again):
        assert all(torch.equal(one, other) for one, other in zip(latents, in_memory[0], strict=True))
        assert torch.equal(context, in_memory[1])


def changed_vae(runs):
    patcher = runs.vae.patcher.clone()
    key = "encoder.conv_in.bias"
    patcher.add_patches({key: (torch.full_like(runs.vae.first_stage_model.encoder.conv_in.bias, 0.1),)})
    vae = encoding.host_networks.vae_with_object_patches(runs.vae, {})
    vae.patcher = patcher
    return {"vae": vae}


def changed_clip(runs):
    clip = runs.clip.clone()
    key = next(name for name in clip.patcher.get_key_patches() if name.endswith("final_layer_norm.bias"))
    clip.patcher.add_patches({key: (torch.full((128,), 0.1),)})
    return {"clip": clip}


def changed_pixels(runs):
    write_png(runs.dataset.samples[0].file, torch.zeros(3, 64, 64))
    return {}


def changed_caption(runs):
    first, *others = runs.dataset.samples
    return {"dataset": replace(runs.dataset, samples=(replace(first, caption="dots"), *others))}


def not_tileable(runs):
    first, *others = runs.dataset.samples
    return {"dataset": replace(runs.dataset, samples=(replace(first, tileable=False), *others))}


CHANGES = {
    "the VAE's weights": (changed_vae, ["encode"] * 3),
    "the text encoder's weights": (changed_clip, ["encode_from_tokens"] * 3),
    "an image": (changed_pixels, ["encode"]),
    "whether an image tiles": (not_tileable, ["encode"]),
    "a caption": (changed_caption, ["encode_from_tokens"]),
    "the resolution": (lambda _: {"config": replace(ON_DISK, resolution=128)}, ["encode"] * 3),
    "the background": (lambda runs: {"dataset": replace(runs.dataset, background=(1.0, 0, 0))}, ["encode"] * 3),
    "clip skip": (
        lambda _: {"config": replace(ON_DISK, objective=ObjectiveConfig(clip_skip=2))},
        ["encode_from_tokens"] * 3,
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_nothing_stale_is_used_when_this_changes(runs, encodings, what):
    encode_all(runs)
    encodings.clear()
    change, expected = CHANGES[what]
    encode_all(runs, **change(runs))
    assert encodings == expected


def test_what_a_disk_has_damaged_is_encoded_again(runs, encodings):
    whole = encode_all(runs)
    encodings.clear()
    for file in (runs.folder / "output" / "training_cache").iterdir():
        file.write_bytes(file.read_bytes()[:50])
    latents, context = encode_all(runs)
    assert len(encodings) == 6
    assert torch.equal(latents[0], whole[0][0]) and torch.equal(context, whole[1])


def test_the_vae_and_the_text_encoder_are_off_the_device_when_steps_begin(runs, monkeypatch):
    loaded = []

    def step(unet):
        loaded.append([type(one.model.model).__name__ for one in comfy.model_management.current_loaded_models])
        return unet_denoiser(unet)

    monkeypatch.setattr("tilewright.host.in_graph.trained_unet.unet_denoiser", step)
    runs.train(steps=1)
    assert loaded == [[], []]  # once on the meta device, to see what memory it takes
