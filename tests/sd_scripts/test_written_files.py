"""What the script reads: images, captions, TOML."""

import json

import numpy as np
import pytest
from PIL import Image
from tilewright.common.errors import InputError
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.sd_scripts.dataset_files import CONFIG_NAME, Writing, write_dataset
from tilewright.sd_scripts.settings import sample_prompts
from tilewright.training.config import SavingConfig, TrainingConfig

UNCHECKED = lambda done, total: None  # noqa: E731


def subsets(folder):
    return json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))["datasets"][0]["subsets"]


def test_images_are_grouped_by_repeats_with_one_line_captions(tmp_path, dataset):
    write_dataset(tmp_path / "set", dataset, Writing(), UNCHECKED)
    once, twice = subsets(tmp_path / "set")
    assert (once["num_repeats"], twice["num_repeats"]) == (1, 2)
    assert once["caption_extension"] == ".txt" and "is_reg" not in once
    written = sorted((tmp_path / "set" / "train_1").iterdir())
    assert [file.name for file in written] == [
        "00000 Ziegel 0.png",
        "00000 Ziegel 0.txt",
        "00001 Ziegel 1.png",
        "00001 Ziegel 1.txt",
    ]
    assert written[1].read_text(encoding="utf-8") == "twbricks, wall 0\n"


def test_an_image_turned_by_its_camera_is_written_upright(tmp_path):
    turned = Image.fromarray(np.zeros((8, 24, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[274] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    samples = TextureDataset((Sample(tmp_path / "turned.jpg", "basecolor", (8, 24)),))
    write_dataset(tmp_path / "set", samples, Writing(), UNCHECKED)
    assert Image.open(tmp_path / "set" / "train_1" / "00000 turned.png").size == (8, 24)
    assert (tmp_path / "set" / "train_1" / "00000 turned.txt").read_text() == "\n"  # an empty file would be an error


def test_deep_grey_heights_do_not_turn_white(tmp_path):
    Image.fromarray(np.full((8, 8), 0x8000, dtype=np.uint16)).save(tmp_path / "height.png")
    samples = TextureDataset((Sample(tmp_path / "height.png", "height", (8, 8)),))
    write_dataset(tmp_path / "set", samples, Writing(), UNCHECKED)
    written = Image.open(tmp_path / "set" / "train_1" / "00000 height.png")
    assert (written.mode, written.getpixel((0, 0))) == ("RGB", (128, 128, 128))


def test_transparency_is_the_mask_of_the_loss(tmp_path):
    pixels = np.zeros((8, 8, 4), dtype=np.uint8)
    pixels[:4] = (200, 0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "leaf.png")
    samples = TextureDataset((Sample(tmp_path / "leaf.png", "basecolor", (8, 8)),))
    write_dataset(tmp_path / "set", samples, Writing(with_alpha=True), UNCHECKED)
    assert subsets(tmp_path / "set")[0]["alpha_mask"] is True
    written = np.asarray(Image.open(tmp_path / "set" / "train_1" / "00000 leaf.png"))
    assert written[0, 0].tolist() == [200, 0, 0, 255]
    assert written[7, 7].tolist() == [128, 128, 128, 0]


def test_a_damaged_image_is_left_out_by_name(tmp_path, dataset):
    dataset.samples[0].file.write_bytes(b"not an image")
    rejected = write_dataset(tmp_path / "set", dataset, Writing(), UNCHECKED)
    assert len(rejected) == 1 and rejected[0].startswith("Ziegel 0.png: ")
    for sample in dataset.samples:
        sample.file.write_bytes(b"")
    with pytest.raises(InputError, match="No image of the dataset is left"):
        write_dataset(tmp_path / "other", dataset, Writing(), UNCHECKED)


def test_a_controlnets_hints_have_the_names_of_their_images(tmp_path, dataset):
    write_dataset(tmp_path / "set", dataset, Writing(), UNCHECKED, conditioning=dataset)
    for subset in subsets(tmp_path / "set"):
        images = {file.name for file in (tmp_path / "set").joinpath(subset["image_dir"]).glob("*.png")}
        assert images == {file.name for file in (tmp_path / "set").joinpath(subset["conditioning_data_dir"]).iterdir()}


@pytest.mark.parametrize("prompt", ["bricks --w 64 --cn /somewhere/else.png", "--CN else.png"])
def test_a_prompt_names_no_file(prompt):
    with pytest.raises(InputError, match="names a file with --cn"):
        sample_prompts(TrainingConfig(saving=SavingConfig(prompts=prompt)))


def test_prompts_are_sampled_at_the_runs_size_unless_they_say_otherwise():
    saving = SavingConfig(sample_every=5, prompts="red bricks\n# moss --w 64 --h 64")
    config = TrainingConfig(resolution=256, seed=2**40 + 3, saving=saving)
    assert sample_prompts(config).splitlines() == [
        " red bricks --w 256 --h 256 --d 3 --s 20",
        " # moss --w 64 --h 64",
    ]
