"""Captions from models, against stand-ins that answer as transformers' classes do: ids in, words out."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tilewright.captions.captioning import blip, caption_images, florence
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset


class Inputs(dict):
    def to(self, device):
        return self


class StandIn:
    """Processor and model at once: keeps what it was given, and answers with one sentence for each image."""

    device = "cpu"

    def __call__(self, images, return_tensors, text=None, padding=None):
        self.images, self.text = images, text
        return Inputs(pixel_values=images)

    config = SimpleNamespace(text_config=SimpleNamespace(max_position_embeddings=8))

    def generate(self, pixel_values, max_new_tokens, num_beams, do_sample):
        self.limits = max_new_tokens, num_beams, do_sample
        return list(range(len(pixel_values)))

    def batch_decode(self, tokens, skip_special_tokens):
        return [f" caption {token} " for token in tokens]


@pytest.mark.parametrize(("make", "text"), [(blip, ["a wall of"] * 2), (florence, ["a wall of"] * 2)])
def test_a_model_sees_bytes_and_its_words_come_back_trimmed(make, text):
    model = StandIn()
    describe = make(model, model, "a wall of", 30, 3)
    assert describe([torch.zeros(3, 2, 4), torch.full((3, 2, 4), 0.5)]) == ["caption 0", "caption 1"]
    assert model.text == text and model.limits == (30, 3, False)
    assert [(image.shape, image.dtype.name, image.max()) for image in model.images] == [
        ((2, 4, 3), "uint8", 0),
        ((2, 4, 3), "uint8", 128),
    ]


def test_blip_without_a_prompt_begins_by_itself():
    model = StandIn()
    blip(model, model, "", 30, 3)([torch.zeros(3, 2, 2)])
    assert model.text is None


@pytest.mark.parametrize(("combining", "caption"), [("replace", "new"), ("before", "new, old"), ("after", "old, new")])
def test_new_captions_go_where_they_should_and_unreadable_files_keep_theirs(tmp_path, combining, caption):
    write_png(tmp_path / "good.png", torch.zeros(3, 8, 8))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    good = Sample(tmp_path / "good.png", "basecolor", (8, 8), "old")
    dataset = TextureDataset((good, replace(good, file=tmp_path / "bad.png"), good))
    seen = []
    captioned, unreadable = caption_images(
        dataset, lambda images: ["new" for _ in images], 2, combining, lambda done, total: seen.append((done, total))
    )
    assert captioned.captions == [caption, "old", caption]
    assert [Path(sample.file).name for sample in unreadable] == ["bad.png"]
    assert seen == [(2, 3), (3, 3)]


class TooLong(StandIn):
    def __call__(self, **given):
        return Inputs(input_ids=torch.zeros(1, 9))


def test_a_prompt_longer_than_the_model_reads_is_told():
    with pytest.raises(InputError, match="9 tokens, but the model reads only 8"):
        blip(TooLong(), TooLong(), "a wall of", 30, 3)([torch.zeros(3, 2, 2)])
