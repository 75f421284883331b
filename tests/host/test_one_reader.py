"""A linear EXR is the same picture in every room: loaded, captioned, encoded for training, saved, written for
sd-scripts, augmented, and as a single map."""

import numpy as np
import OpenEXR
import pytest
import torch
from tilewright.captions.captioning import caption_images
from tilewright.common.images import read_image
from tilewright.common.texture_dataset import TextureDataset
from tilewright.dataset.augment import Augmentation, augment_dataset
from tilewright.dataset.load import Loading, decode_images, load_folder
from tilewright.dataset.save import save_dataset
from tilewright.dataset.save_plan import Saving
from tilewright.host.in_graph.latents import ImageEncoder
from tilewright.material.load_map import load_map
from tilewright.sd_scripts.dataset_files import Writing, write_dataset
from tilewright.training.config import TrainingConfig

LINEAR_GREY, SHOWN = 0.18, 118 / 255  # as every viewer shows it


def ignored(done, total):
    return None


@pytest.fixture(params=["auto", "sRGB"])
def loaded(tmp_path, request):
    from tilewright.common.map_files import Reading

    folder = tmp_path / "renders"
    folder.mkdir()
    OpenEXR.File({}, {"RGB": np.full((64, 64, 3), LINEAR_GREY, np.float32)}).write(str(folder / "wall.exr"))
    reading = Reading(light=request.param)
    samples = load_folder(
        folder, Loading("basecolor", [folder], "auto", tileable=True, reading=reading), ignored
    ).samples
    return TextureDataset(tuple(samples)), SHOWN if request.param == "auto" else LINEAR_GREY


class CatchingVAE:
    """Keeps the pixels that it is to encode."""

    latent_channels = 4

    def encode(self, pixels):
        self.pixels = pixels
        return torch.zeros(1, 4, 8, 8)


def test_every_room_sees_the_same_colours(loaded, tmp_path):
    dataset, expected = loaded
    seen = {"loaded": decode_images(dataset, 1)[0]}
    looks = lambda images: [seen.update(captioned=one.clone()) or "grey" for one in images]  # noqa: E731
    caption_images(dataset, looks, 1, "replace", ignored)
    vae = CatchingVAE()
    ImageEncoder(vae, dataset, TrainingConfig(resolution=64, cache="memory"))(dataset.samples[0])
    seen["trained"] = vae.pixels
    saving = Saving("kohya", "wall", "keep", 8, [tmp_path])
    saved = save_dataset(tmp_path / "saved", {"train": dataset}, saving, ignored)
    seen["saved"] = read_image(saved.files[0])
    write_dataset(tmp_path / "scripts", dataset, Writing(), ignored)
    seen["sd-scripts"] = read_image(next((tmp_path / "scripts").rglob("*.png")))
    (view,) = augment_dataset(dataset, tmp_path / "views", Augmentation(1), 0, ignored).samples
    seen["augmented"] = view.read()
    seen["map"] = load_map(dataset.samples[0].file, "basecolor", dataset.samples[0].reading).pixels
    found = {room: float(pixels.mean()) for room, pixels in seen.items()}
    assert found == {room: pytest.approx(expected, abs=0.6 / 255) for room in seen}
