"""Thumbnails show what the maps show, small."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from tilewright.common.errors import UnreadableImage
from tilewright.common.image_writing import write_png
from tilewright.common.map_files import Reading
from tilewright.common.thumbnails import thumbnail

GREY = (0.5, 0.5, 0.5)


def opened(picture):
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def show(file, side=64, kind="basecolor"):
    return opened(thumbnail(file, kind, Reading(), GREY, side))


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_halves_stay_halves_and_the_longer_side_is_as_asked(tmp_path, ending):
    pixels = np.zeros((200, 400, 3), np.uint8)
    pixels[:, 200:] = (200, 100, 50)
    Image.fromarray(pixels).save(tmp_path / f"wall.{ending}", quality=95)
    small = show(tmp_path / f"wall.{ending}")
    assert small.shape == (32, 64, 3)
    assert small[:, :24].max() < 12 and abs(small[:, 40:] - (200, 100, 50)).max() < 12


def test_an_image_that_is_smaller_stays_as_it_is(tmp_path):
    Image.new("RGB", (10, 20), (9, 9, 9)).save(tmp_path / "wall.png")
    assert show(tmp_path / "wall.png").shape == (20, 10, 3)


def test_sixteen_bits_and_alpha_are_read_as_the_trainer_reads_them(tmp_path):
    write_png(tmp_path / "height.png", torch.full((1, 80, 80), 0.25), 16)
    assert abs(show(tmp_path / "height.png", kind="height") - 64).max() <= 2
    alpha = torch.zeros(1, 80, 80)
    alpha[:, :, 40:] = 1
    write_png(tmp_path / "lace.png", torch.cat([torch.ones(3, 80, 80), alpha]))
    shown = show(tmp_path / "lace.png")
    assert abs(shown[:, :28] - 128).max() <= 2 and shown[:, 36:].min() >= 253


def test_a_photo_is_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (100, 50)).save(tmp_path / "photo.jpg", exif=exif)
    assert show(tmp_path / "photo.jpg").shape == (64, 32, 3)


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "wall.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    with pytest.raises(UnreadableImage, match="wall.png"):
        thumbnail(tmp_path / "wall.png", "basecolor", Reading(), GREY, 64)
