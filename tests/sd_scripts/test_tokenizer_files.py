"""Tokenizers where sd-scripts looks for them, read by the library that sd-scripts reads them with."""

import json

import pytest
from sd_scripts_stand_in.flow_model_files import sentencepiece_model
from tilewright.host.scripts import clip_tokenizer_folder, t5_tokenizer_folder
from tilewright.sd_scripts.flow_models import CLIP_G_TOKENIZER, CLIP_L_TOKENIZER, GEMMA_TOKENIZER, T5_TOKENIZER
from tilewright.sd_scripts.tokenizer_files import write_hub_cache, write_tokenizers

START, END = 49406, 49407


def test_tokenizers_cut_at_clips_length_and_pad_as_each_text_encoder_wants(tmp_path):
    from transformers import CLIPTokenizer

    write_tokenizers(clip_tokenizer_folder(), tmp_path)
    for name, padding in {
        "openai_clip-vit-large-patch14": END,
        "laion_CLIP-ViT-bigG-14-laion2B-39B-b160k": 0,
        "stabilityai_stable-diffusion-2": 0,
    }.items():
        ids = CLIPTokenizer.from_pretrained(tmp_path / name)("rough stone", padding="max_length").input_ids
        assert ids == [START, 8511, 2441, END] + [padding] * 73


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    clip = clip_tokenizer_folder()
    sources = {CLIP_L_TOKENIZER: clip, CLIP_G_TOKENIZER: clip, T5_TOKENIZER: t5_tokenizer_folder()}
    write_hub_cache(folder, {**sources, GEMMA_TOKENIZER: sentencepiece_model()})
    return {"cache_dir": folder, "local_files_only": True}


def test_what_a_script_asks_the_hub_for_is_in_its_cache(cache):
    from transformers import CLIPTokenizer, T5TokenizerFast

    for name, padding in {CLIP_L_TOKENIZER: END, CLIP_G_TOKENIZER: 0}.items():
        ids = CLIPTokenizer.from_pretrained(name, **cache)("rough stone", padding="max_length").input_ids
        assert ids == [START, 8511, 2441, END] + [padding] * 73
    t5 = T5TokenizerFast.from_pretrained(T5_TOKENIZER, **cache)
    ids = t5("rough stone", padding="max_length", max_length=5).input_ids
    assert t5.convert_ids_to_tokens(ids) == ["▁rough", "▁stone", "</s>", "<pad>", "<pad>"]


def test_gemmas_tokenizer_is_the_one_in_its_weights(cache):
    """Read by SentencePiece: the transformers that ComfyUI has reads no such files, that of sd-scripts does."""
    from sentencepiece import SentencePieceProcessor

    (snapshot,) = cache["cache_dir"].glob("models--google--gemma-2-2b/snapshots/*")
    words = SentencePieceProcessor(model_file=str(snapshot / "tokenizer.model"))
    assert words.decode(words.encode("brick wall")) == "brick wall"
    told = json.loads((snapshot / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert [words.piece_to_id(told[f"{name}_token"]) for name in ("pad", "eos", "bos", "unk")] == [0, 1, 2, 3]


def test_what_is_there_stays(tmp_path):
    sources = {T5_TOKENIZER: t5_tokenizer_folder()}
    write_hub_cache(tmp_path, sources)
    (file,) = tmp_path.glob("models--google--t5-v1_1-xxl/snapshots/*/tokenizer.json")
    file.write_text("that of a run which has begun")
    write_hub_cache(tmp_path, sources)
    assert file.read_text() == "that of a run which has begun"
