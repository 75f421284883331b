"""What is told of every image: a copy, a seam, nothing in it."""

import torch
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.dataset import badges as module
from tilewright.dataset.badges import image_badges
from tilewright.dataset.checks import Checked, Rules, check_image
from tilewright.dataset.clean import judge_duplicates


def noise(seed, size=64):
    """Tileable: a few waves that end where they begin."""
    generator = torch.Generator().manual_seed(seed)
    axis = torch.arange(size) / size * 2 * torch.pi
    image = torch.zeros(3, size, size)
    for _ in range(6):
        x, y, phase = (torch.rand(3, generator=generator) * 5 + 1).tolist()
        image += torch.sin(round(x) * axis + round(y) * axis[:, None] + phase) * torch.rand(
            3, 1, 1, generator=generator
        )
    return (image - image.min()) / (image.max() - image.min())


def dataset_of(folder, **images):
    samples = []
    for name, image in images.items():
        write_png(folder / f"{name}.png", image)
        samples.append(Sample(folder / f"{name}.png", "basecolor", (image.shape[2], image.shape[1]), material=name))
    return TextureDataset(tuple(samples))


def test_each_image_has_its_signs(tmp_path):
    ramp = torch.linspace(0.1, 0.9, 64).expand(3, 64, 64).clone()
    dataset = dataset_of(
        tmp_path,
        wall=noise(0),
        rolled=noise(0).roll(20, -1),
        other=noise(1),
        ramp=ramp,
        flat=torch.full((3, 64, 64), 0.5),
    )
    signs = image_badges(dataset, lambda done, total: None)
    assert signs == [(), ("the same texture as wall.png",), (), ("seam",), ("blank: one flat colour",)]


def test_files_that_are_as_they_were_are_not_read_again(tmp_path, monkeypatch):
    dataset = dataset_of(tmp_path, wall=noise(0), other=noise(1))
    first = image_badges(dataset, lambda done, total: None)
    monkeypatch.setattr(module, "check_all", None)  # which would fail if it were asked
    assert image_badges(dataset, lambda done, total: None) is first


def test_of_twins_the_first_is_the_original(tmp_path):
    dataset = dataset_of(tmp_path, wall=noise(0), copy=noise(0), other=noise(1))
    found = [Checked(fingerprint=check_image(one, (0, 0, 0), Rules()).fingerprint) for one in dataset.samples]
    reasons = [None, None, None]
    judge_duplicates(dataset.samples, found, reasons, lambda: None)
    assert reasons == [None, "the same texture as wall.png", None]
