"""Small files of flow models, text encoders and VAEs: what they are known by, and little else."""

import re
from pathlib import Path

import numpy as np

TRANSFORMERS = {  # what sd-scripts calls the family -> tests' small model of it, and how its file names its weights
    "Flux.1": ("Flux", ""),
    "Chroma": ("Chroma", ""),
    "SD3": ("SD3", "model.diffusion_model."),
    "Lumina 2": ("Lumina2", ""),
    "Anima": ("Anima", "net."),
}
_LAYER = "model.layers.0"
ENCODERS = {  # argument -> names and shapes
    "clip_l": {"text_model.encoder.layers.0.mlp.fc1.weight": (1, 1)},
    "clip_g": {"text_model.encoder.layers.30.mlp.fc1.weight": (1, 1)},
    "t5xxl": {"encoder.block.23.layer.1.DenseReluDense.wi_1.weight": (10240, 1)},
    "gemma2": {f"{_LAYER}.post_feedforward_layernorm.weight": (1,)},
    "qwen3": {f"{_LAYER}.post_attention_layernorm.weight": (1024,), f"{_LAYER}.self_attn.q_norm.weight": (1,)},
}
VAES = {
    "image": {"decoder.conv_in.weight": (1, 16, 1, 1), "encoder.down.0.block.0.conv1.weight": (1, 1, 1, 1)},
    "video": {"decoder.conv1.weight": (1, 16, 1, 1, 1)},
}


def write_transformer(file: Path, model: str, prefix: str = "") -> None:
    """The weights of tests' small model of that name, called as the authors of its files call them."""
    from safetensors.torch import save_file
    from small_flows import small_flow

    state = small_flow(model).model.diffusion_model.state_dict()
    _place(file)
    names = {name: re.sub(r"(query|key)_norm\.weight", r"\1_norm.scale", name) for name in state}
    save_file({prefix + names[name]: value.contiguous() for name, value in state.items()}, file)


def write_shapes(file: Path, shapes: dict[str, tuple[int, ...]], tokenizer: bytes = b"") -> None:
    """Zeros of these names and shapes; beside them a SentencePiece model, as ComfyUI's file of Gemma holds it."""
    from safetensors.numpy import save_file

    _place(file)
    state = {name: np.zeros(shape, dtype=np.float32) for name, shape in shapes.items()}
    save_file(state | ({"spiece_model": np.frombuffer(tokenizer, dtype=np.uint8)} if tokenizer else {}), file)


def sentencepiece_model() -> bytes:
    """A small one with Gemma's special tokens."""
    import io

    import sentencepiece

    model, words = io.BytesIO(), "red brick wall, wet stone, old moss, grey slate, fine sand"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(words.split(", ") * 4),
        model_writer=model,
        vocab_size=300,
        model_type="bpe",
        byte_fallback=True,
        minloglevel=2,
        **{"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3},
        **{"pad_piece": "<pad>", "eos_piece": "<eos>", "bos_piece": "<bos>"},
    )
    return model.getvalue()


def _place(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)


def write_models(folder: Path) -> None:
    """A model of each family that sd-scripts trains, each text encoder and VAE, in ComfyUI's folders below `folder`."""
    for family, (model, prefix) in TRANSFORMERS.items():
        kind = "checkpoints" if family == "SD3" else "diffusion_models"
        write_transformer(folder / kind / f"{family}.safetensors", model, prefix)
    for argument, shapes in ENCODERS.items():
        tokenizer = sentencepiece_model() if argument == "gemma2" else b""
        write_shapes(folder / "text_encoders" / f"{argument}.safetensors", shapes, tokenizer)
    for kind, shapes in VAES.items():
        write_shapes(folder / "vae" / f"{kind}.safetensors", shapes)


def offer_models(monkeypatch, folder: Path) -> None:
    """Make the folders below `folder` the only ones that the host lists models from."""
    import folder_paths

    for kind in ("checkpoints", "diffusion_models", "text_encoders", "vae"):
        suffixes = folder_paths.folder_names_and_paths[kind][1]
        monkeypatch.setitem(folder_paths.folder_names_and_paths, kind, ([str(folder / kind)], suffixes))
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
