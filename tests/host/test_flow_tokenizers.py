"""Captions through the tokenizers of the flow families, which ComfyUI brings along."""

from types import SimpleNamespace

import comfy.text_encoders.anima
import comfy.text_encoders.flux
import comfy.text_encoders.krea2
import comfy.text_encoders.pixart_t5
import comfy.text_encoders.qwen_image
import comfy.text_encoders.sd3_clip
import comfy.text_encoders.z_image
import pytest
from tilewright.host.in_graph.flow_texts import plain_tokens

pytestmark = pytest.mark.slow
TOKENIZERS = {
    "Flux.1": comfy.text_encoders.flux.FluxTokenizer,
    "Flux.2 klein": comfy.text_encoders.flux.KleinTokenizer,
    "SD3.5": comfy.text_encoders.sd3_clip.SD3Tokenizer,
    "Z-Image": comfy.text_encoders.z_image.ZImageTokenizer,
    "Qwen-Image": comfy.text_encoders.qwen_image.QwenImageTokenizer,
    "Krea 2": comfy.text_encoders.krea2.Krea2Tokenizer,
    "Anima": comfy.text_encoders.anima.AnimaTokenizer,
    "Chroma": comfy.text_encoders.pixart_t5.PixArtTokenizer,
}


@pytest.mark.parametrize("family", TOKENIZERS)
def test_brackets_in_a_caption_are_words(family):
    tokenizer = TOKENIZERS[family](embedding_directory=None, tokenizer_data={})

    def tokenize(text, return_word_ids=False, **options):
        return tokenizer.tokenize_with_weights(text, return_word_ids, **options)

    clip = SimpleNamespace(tokenizer=tokenizer, tokenize=tokenize)
    with_brackets = plain_tokens(clip, "(old:1.3) bricks")
    assert {token[1] for chunks in with_brackets.values() for chunk in chunks for token in chunk} == {1.0}
    longer = plain_tokens(clip, "(old:1.3) bricks, wet and mossy between the joints")
    numbers = [
        [token[0] for chunks in told.values() for chunk in chunks for token in chunk]
        for told in (with_brackets, longer)
    ]
    assert numbers[0] != numbers[1]
