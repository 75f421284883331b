"""A single image of a dataset, checked by itself; images and other files of a folder."""

import re

import pytest
import torch
from tileable_textures import blurred, cells, with_band
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample
from tilewright.dataset.checks import OFF, REJECT, Rules, check_image
from tilewright.dataset.image_files import find_images
from tilewright.dataset.transforms import turn_normals

GREY = (0.5, 0.5, 0.5)


def sample(path, image, kind="basecolor"):
    write_png(path, image)
    return Sample(path, kind, (image.shape[2], image.shape[1]))


def test_a_good_image_has_no_reason_and_a_fingerprint(tmp_path):
    checked = check_image(sample(tmp_path / "a.png", torch.rand(3, 64, 64)), GREY, Rules())
    assert checked.reason is None and checked.fingerprint is not None


@pytest.mark.parametrize(
    ("image", "rules", "reason"),
    [
        (torch.rand(3, 16, 64), Rules(min_side=32), "smaller than 32 pixels"),
        (torch.rand(3, 16, 64), Rules(max_side=32), "larger than 32 pixels"),
        (torch.zeros(3, 32, 32), Rules(), "black"),
        (torch.full((3, 32, 32), 0.4), Rules(), "blank: one flat colour"),
    ],
)
def test_what_is_wrong_is_the_reason(tmp_path, image, rules, reason):
    assert check_image(sample(tmp_path / "a.png", image), GREY, rules).reason == reason


def test_a_flat_roughness_is_good_and_a_deleted_file_is_told(tmp_path):
    flat = sample(tmp_path / "a.png", torch.full((1, 32, 32), 0.4), "roughness")
    assert check_image(flat, GREY, Rules(seams=OFF)).reason is None
    flat.file.unlink()
    assert "No such file" in check_image(flat, GREY, Rules()).reason


def test_images_come_in_natural_order_and_what_is_none_is_named(tmp_path):
    for name in ("b10.png", "b9.png", "notes.doc", "b9.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.jpg").write_bytes(b"x")
    images, rejected = find_images(tmp_path, [tmp_path])
    found = [image.path.relative_to(tmp_path).as_posix() for image in images]
    assert found.index("b9.png") < found.index("b10.png") and set(found) == {"b9.png", "b10.png", "below/a.jpg"}
    assert [(one.file.name, "not an image" in one.reason) for one in rejected] == [("notes.doc", True)]


@pytest.mark.parametrize("convention", ["OpenGL", "DirectX"])
def test_normals_turn_with_their_pixels(convention):
    right = torch.tensor([0.8, 0.5, 0.9])[:, None, None]  # points to the right
    up = 0.8 if convention == "OpenGL" else 0.2
    turned = turn_normals(right, convention, mirror=False, turns=1)  # a quarter turn against the clock: it points up
    assert torch.allclose(turned.flatten(), torch.tensor([0.5, up, 0.9]))
    assert torch.allclose(turn_normals(right, convention, True, 0).flatten(), torch.tensor([0.2, 0.5, 0.9]))
    assert torch.allclose(turn_normals(right, convention, False, 4), right)


def test_a_band_along_the_edge_is_told_as_what_it_is(tmp_path):
    blurry = with_band(cells(), blurred(cells(), 6), 30)[0]
    reason = check_image(sample(tmp_path / "a.png", blurry), GREY, Rules(seams=REJECT)).reason
    assert re.fullmatch(r"does not tile: a band of \d+ pixels along its edge is softer than the inside", reason)
