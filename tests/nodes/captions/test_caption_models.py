"""Tiny models of random weights in the real classes and file formats: their words mean nothing."""

import folder_paths
import pytest
import torch
from tilewright.nodes.captions import model_nodes
from tilewright.nodes.captions.captioning import caption_images
from tilewright.nodes.captions.model_nodes import CaptionBLIP, CaptionFlorence2
from tilewright.nodes.common.errors import InputError
from tilewright.nodes.common.images import write_png
from tilewright.nodes.common.texture_dataset import Sample, TextureDataset

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "texture", "of", "brick", "stone", "wood", "moss"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

    folder = tmp_path_factory.mktemp("models") / "captioners" / "tiny"
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    sizes = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    ids = dict(bos_token_id=2, eos_token_id=3, sep_token_id=3, pad_token_id=0)
    text = dict(sizes, vocab_size=len(WORDS), max_position_embeddings=64, encoder_hidden_size=16, **ids)
    torch.manual_seed(0)
    config = BlipConfig(text_config=text, vision_config=dict(sizes, image_size=32, patch_size=16), projection_dim=16)
    BlipForConditionalGeneration(config).save_pretrained(folder)
    tokenizer = BertTokenizer(str(folder / "vocab.txt"))
    BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), tokenizer).save_pretrained(folder)
    return folder.parent.parent


@pytest.fixture(scope="module")
def florence(models):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import (
        CLIPImageProcessor,
        Florence2Config,
        Florence2ForConditionalGeneration,
        Florence2Processor,
        PreTrainedTokenizerFast,
    )

    words = ["<s>", "<pad>", "</s>", "<unk>", "<image>", *WORDS[5:]]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    special = dict(bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    image_token = {"image_token": "<image>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokenizer, extra_special_tokens=image_token, **special)
    images = CLIPImageProcessor(size={"height": 64, "width": 64}, do_center_crop=False)
    images.image_seq_length = 5  # 2 x 2 pieces of 32 pixels, and their mean
    ones = dict.fromkeys(["depths", "num_heads", "num_groups"], (1, 1, 1, 1))
    vision = dict(ones, embed_dim=(8, 8, 8, 8), window_size=4, projection_dim=16)
    layers = {f"{part}_{what}": n for part in ("encoder", "decoder") for what, n in
              [("layers", 1), ("attention_heads", 2), ("ffn_dim", 16)]}  # fmt: skip
    ids = dict(bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=2)
    text = dict(layers | ids, model_type="bart", vocab_size=len(words), d_model=16, max_position_embeddings=64)
    torch.manual_seed(0)
    config = Florence2Config(text_config=text, vision_config=vision, image_token_id=4)
    folder = models / "captioners" / "tiny_florence"
    Florence2ForConditionalGeneration(config).save_pretrained(folder)
    Florence2Processor(images, tokenizer).save_pretrained(folder)


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
    assert all(set(caption.split()) <= set(WORDS[5:]) and caption for caption in captions)


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
    captioned, _ = caption_images(dataset, lambda images: ["new"] * len(images), 2, existing, lambda done, total: None)
    assert captioned.captions == [caption] * 3


@pytest.mark.parametrize("name", ["missing", "", "../../etc"])
def test_a_missing_model_is_told_with_the_folder_to_fill(dataset, name):
    with pytest.raises(InputError, match="Put the files of florence-community/Florence-2-base"):
        CaptionFlorence2.execute(dataset, name, "short", 1)


def test_a_model_of_another_kind_is_told(dataset):
    with pytest.raises(InputError, match="cannot be loaded as Florence2ForConditionalGeneration"):
        CaptionFlorence2.execute(dataset, "tiny", "short", 1)
