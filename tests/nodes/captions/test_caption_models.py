import folder_paths
import pytest
import torch
from random_captioners import WORDS, write_blip, write_florence
from tilewright.captions.captioning import caption_images
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.nodes.captions import models as model_nodes
from tilewright.nodes.captions.models import CaptionBLIP, CaptionFlorence2


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_blip(folder / "captioners" / "tiny")
    return folder


@pytest.fixture(scope="module")
def florence(models):
    write_florence(models / "captioners" / "tiny_florence")


@pytest.fixture
def dataset(tmp_path, models, monkeypatch):
    monkeypatch.setattr(folder_paths, "models_dir", str(models))
    samples = []
    for number in range(3):
        file = tmp_path / f"{number}.png"
        write_png(file, torch.rand(3, 24, 40, generator=torch.Generator().manual_seed(number)))
        samples.append(Sample(file, "basecolor", (40, 24), "old words"))
    return TextureDataset(tuple(samples))


def test_blip_captions_every_image_with_the_prompt_in_front(dataset):
    captioned, captions, report = CaptionBLIP.execute(dataset, "tiny", "a texture of", 2, max_tokens=6)
    assert captions == captioned.captions
    assert all(caption.startswith("a texture of") for caption in captions)
    assert "3 of 3 images captioned" in report
    again = CaptionBLIP.execute(dataset, "tiny", "a texture of", 3, max_tokens=6)[1]
    assert again == captions


@pytest.mark.parametrize("detail", ["short", "detailed", "long"])
def test_florence_captions_every_image(dataset, florence, detail):
    captions = CaptionFlorence2.execute(dataset, "tiny_florence", detail, 2, max_tokens=5)[1]
    assert len(captions) == 3
    assert all(set(caption.split()) <= set(WORDS) and caption for caption in captions)


def test_a_damaged_file_keeps_its_caption_and_is_named(dataset):
    dataset.samples[1].file.write_bytes(b"\x89PNG")
    _, captions, report = CaptionBLIP.execute(dataset, "tiny", "", 8, max_tokens=4)
    assert captions[1] == "old words"
    assert "1.png" in report.splitlines()[1]


def test_the_model_is_loaded_once_for_all_batches(dataset, monkeypatch):
    loads = []
    load = model_nodes.load_captioner
    monkeypatch.setattr(model_nodes, "load_captioner", lambda *args: loads.append(args) or load(*args))
    CaptionBLIP.execute(dataset, "tiny", "", 1, max_tokens=2)
    assert len(loads) == 1


@pytest.mark.parametrize(
    ("existing", "caption"), [("replace", "new"), ("before", "new, old words"), ("after", "old words, new")]
)
def test_new_captions_go_where_they_should(dataset, existing, caption):
    describe = lambda images: ["new" for _ in images]  # noqa: E731
    captioned, _ = caption_images(dataset, describe, 2, existing, lambda done, total: None)
    assert captioned.captions == [caption] * 3


@pytest.mark.parametrize("name", ["missing", "", "../../etc"])
def test_a_missing_model_is_told_with_the_folder_to_fill(dataset, name):
    with pytest.raises(InputError, match="Put the files of florence-community/Florence-2-base"):
        CaptionFlorence2.execute(dataset, name, "short", 1)


def test_a_model_of_another_kind_is_told(dataset):
    with pytest.raises(InputError, match="cannot be loaded as Florence2ForConditionalGeneration"):
        CaptionFlorence2.execute(dataset, "tiny", "short", 1)
