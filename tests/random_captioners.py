"""Tiny captioning models of random weights in the real classes and file formats: their words mean nothing."""

import torch

WORDS = ["a", "texture", "of", "brick", "stone", "wood", "moss"]


def write_blip(folder):
    """A BLIP model for 32 pixels with a vocabulary of WORDS, as transformers saves one."""
    from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

    folder.mkdir(parents=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    sizes = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    ids = dict(bos_token_id=2, eos_token_id=3, sep_token_id=3, pad_token_id=0)
    text = dict(sizes, vocab_size=len(words), max_position_embeddings=64, encoder_hidden_size=16, **ids)
    torch.manual_seed(0)
    config = BlipConfig(text_config=text, vision_config=dict(sizes, image_size=32, patch_size=16), projection_dim=16)
    BlipForConditionalGeneration(config).save_pretrained(folder)
    tokenizer = BertTokenizer(str(folder / "vocab.txt"))
    BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), tokenizer).save_pretrained(folder)


def write_florence(folder):
    """A Florence-2 model for 64 pixels with a vocabulary of WORDS, as transformers saves one."""
    from transformers import (
        CLIPImageProcessor,
        Florence2Config,
        Florence2ForConditionalGeneration,
        Florence2Processor,
    )

    words = ["<s>", "<pad>", "</s>", "<unk>", "<image>", *WORDS]
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
    Florence2ForConditionalGeneration(config).save_pretrained(folder)
    Florence2Processor(images, _word_tokenizer(words)).save_pretrained(folder)


def _word_tokenizer(words):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    special = dict(bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, extra_special_tokens={"image_token": "<image>"}, **special
    )
