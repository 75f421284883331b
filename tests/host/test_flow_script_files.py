"""What a file of a flow model is taken for, and which files sd-scripts is given of what was chosen."""

import pytest
import torch
from safetensors.torch import save_file
from sd_scripts_stand_in.checkout import write_checkpoint
from sd_scripts_stand_in.flow_model_files import (
    ENCODERS,
    TRANSFORMERS,
    offer_models,
    sentencepiece_model,
    write_models,
    write_shapes,
    write_transformer,
)
from small_flows import small_flow
from tilewright.common.errors import InputError
from tilewright.common.texture_dataset import TextureDataset
from tilewright.host.sd_scripts.files import checkpoint_family
from tilewright.host.sd_scripts.flow_files import (
    check_scales,
    check_transformer,
    check_vae,
    encoder_argument,
    known_flow,
    read_header,
    script_family,
)
from tilewright.host.sd_scripts.model_files import model_files
from tilewright.host.sd_scripts.order import ScriptOrder
from tilewright.sd_scripts.flow_models import CLIP_L_TOKENIZER, GEMMA_TOKENIZER, T5_TOKENIZER
from tilewright.sd_scripts.settings import KohyaOptions
from tilewright.sd_scripts.tasks import AUTO, LORA
from tilewright.training.config import TrainingConfig

GEMMA_INSIDE = "text_encoders.gemma2_2b."


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder of ComfyUI's models, with small files of each kind."""
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    write_transformer(folder / "diffusion_models" / "qwen.safetensors", "QwenImage")
    write_transformer(folder / "diffusion_models" / "schnell.safetensors", "FluxSchnell")
    write_shapes(folder / "text_encoders" / "bare.safetensors", ENCODERS["gemma2"])
    return folder


@pytest.fixture(autouse=True)
def offered(models, monkeypatch):
    offer_models(monkeypatch, models)


def chosen(model, *encoders, vae="image", task=LORA, **changes):
    """What a node that names these files asks for; SD3's is a checkpoint, the others transformers."""
    place = {"checkpoint": f"{model}.safetensors"} if model == "SD3" else {"diffusion_model": f"{model}.safetensors"}
    files = {"vae": vae and f"{vae}.safetensors", "text_encoders": tuple(f"{name}.safetensors" for name in encoders)}
    settings = {"checkpoint": "", **place, **files, **changes}
    return ScriptOrder(
        task=task, dataset=TextureDataset(()), name="x", config=TrainingConfig(), options=KohyaOptions(), **settings
    )


@pytest.mark.parametrize("family", TRANSFORMERS)
def test_a_transformer_says_its_family(models, family):
    kind = "checkpoints" if family == "SD3" else "diffusion_models"
    file = models / kind / f"{family}.safetensors"
    header = read_header(file)
    assert all(value.is_meta for value in header.values())
    assert script_family(file, known_flow(header)) == family == checkpoint_family(file, AUTO)
    check_transformer(file, header, family)


def test_a_family_without_a_script_is_refused_by_name(models):
    file = models / "diffusion_models" / "qwen.safetensors"
    with pytest.raises(InputError, match="qwen.safetensors is Qwen-Image, for which sd-scripts has no script"):
        checkpoint_family(file, AUTO)
    assert known_flow(read_header(models / "vae" / "image.safetensors")) is None
    with pytest.raises(InputError, match="nor a flow model that sd-scripts trains"):
        checkpoint_family(models / "vae" / "image.safetensors", AUTO)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    for name, words in {"a.gguf": "is not a safetensors file", "a.safetensors": "cannot be read"}.items():
        (tmp_path / name).write_bytes(b"GGUF")
        with pytest.raises(InputError, match=words):
            read_header(tmp_path / name)


def test_weights_with_scales_and_weights_of_other_names_are_refused(tmp_path):
    file = tmp_path / "a.safetensors"
    save_file({"double_blocks.0.img_attn.qkv.weight_scale": torch.ones(1)}, file)
    with pytest.raises(InputError, match="8 bits or less with scales beside them"):
        check_scales(file, read_header(file))
    write_transformer(file, "Anima", "model.diffusion_model.")
    with pytest.raises(InputError, match="in a way that sd-scripts' Anima does not read. Use the file of the"):
        check_transformer(file, read_header(file), "Anima")
    save_file(small_flow("Flux").model.diffusion_model.state_dict(), file)
    with pytest.raises(InputError, match="sd-scripts' Flux.1 does not read. Use the file of the transformer alone"):
        check_transformer(file, read_header(file), "Flux.1")
    write_transformer(file, "SD3")
    with pytest.raises(InputError, match="SD3 does not read. Use a whole checkpoint"):
        check_transformer(file, read_header(file), "SD3")


def test_a_text_encoder_says_which_argument_is_its(models):
    files = {argument: models / "text_encoders" / f"{argument}.safetensors" for argument in ENCODERS}
    assert {argument: encoder_argument(file) for argument, file in files.items()} == {name: name for name in ENCODERS}
    with pytest.raises(InputError, match="none of the text encoders CLIP-L, CLIP-G"):
        encoder_argument(models / "vae" / "image.safetensors")


@pytest.mark.parametrize("name", ["shared.weight", "encoder.embed_tokens.weight"])
def test_umt5_is_not_taken_for_t5(tmp_path, name):
    file = tmp_path / "umt5.safetensors"
    write_shapes(file, ENCODERS["t5xxl"] | {name: (32128, 1)})
    assert encoder_argument(file) == "t5xxl"
    write_shapes(file, ENCODERS["t5xxl"] | {name: (256384, 1)})
    with pytest.raises(InputError, match="umt5.safetensors is built like T5-XXL but knows 256384 words"):
        encoder_argument(file)


def test_a_vae_must_be_built_as_the_familys(models):
    image, video = (models / "vae" / f"{kind}.safetensors" for kind in ("image", "video"))
    check_vae(image, "Flux.1")
    check_vae(video, "Anima")
    with pytest.raises(InputError, match="not a VAE of the kind that Anima has. Choose that of Qwen-Image"):
        check_vae(image, "Anima")
    with pytest.raises(InputError, match="Choose that of Flux.1 .ae.safetensors."):
        check_vae(video, "Chroma")


@pytest.mark.parametrize(
    "family, encoders, vae, arguments",
    [
        ("Flux.1", ("t5xxl", "clip_l"), "image", {"clip_l", "t5xxl", "ae"}),
        ("Chroma", ("t5xxl",), "image", {"t5xxl", "ae"}),
        ("SD3", ("clip_g", "t5xxl", "clip_l"), "image", {"clip_l", "clip_g", "t5xxl", "vae"}),
        ("Lumina 2", ("gemma2",), "image", {"gemma2", "ae"}),
        ("Anima", ("qwen3",), "video", {"qwen3", "vae"}),
    ],
)
def test_each_file_goes_to_its_argument_in_any_order(family, encoders, vae, arguments):
    files = model_files(chosen(family, *encoders, vae=vae))
    assert (files.job.family, files.model.name) == (family, f"{family}.safetensors")
    assert {name for name, file in files.arguments.items() if file.stem in (name, vae)} == arguments


@pytest.mark.parametrize(
    "family, encoders, changes, words",
    [
        ("Flux.1", ("t5xxl",), {}, "Flux.1 is trained with CLIP-L and T5-XXL, and CLIP-L is not chosen"),
        ("Flux.1", ("t5xxl", "clip_l"), {"vae": ""}, "trained with a VAE of its own file. Choose it in vae"),
        ("Chroma", ("t5xxl", "clip_l"), {}, "clip_l.safetensors is CLIP-L, which Chroma does not read"),
        ("Flux.1", ("t5xxl", "t5xxl"), {}, "t5xxl.safetensors is chosen twice"),
        ("Flux.1", ("t5xxl", "clip_l"), {"diffusion_model": ""}, "No model is chosen. Choose a checkpoint"),
        ("Flux.1", ("t5xxl", "clip_l"), {"diffusion_model": "gone"}, "'gone', but there is no such file"),
    ],
)
def test_what_is_missing_or_does_not_belong_is_said(family, encoders, changes, words):
    with pytest.raises(InputError, match=words):
        model_files(chosen(family, *encoders, **changes))


def test_stable_diffusion_takes_no_files_of_flow_models(models):
    write_checkpoint(models / "checkpoints" / "sd.safetensors", "SD1")
    with pytest.raises(InputError, match="is SD1, whose checkpoint holds all"):
        model_files(chosen("SD3", "clip_l", checkpoint="sd.safetensors"))
    files = model_files(chosen("SD3", checkpoint="sd.safetensors"))
    assert (files.job.flow, set(files.arguments)) == (None, {"vae"})


@pytest.mark.parametrize(
    "model, family, words",
    [
        ("Chroma", "Flux.1", "Chroma.safetensors is Chroma, not Flux.1. Set family to auto"),
        ("Flux.1", "Chroma", "Flux.1.safetensors is Flux.1 dev, not Chroma"),
        ("qwen", "Lumina 2", "qwen.safetensors is Qwen-Image, not Lumina 2"),
        ("Lumina 2", "SDXL", "Lumina 2.safetensors is Lumina 2, not SDXL"),
    ],
)
def test_a_family_chosen_by_hand_does_not_outweigh_what_the_file_is_known_to_be(model, family, words):
    with pytest.raises(InputError, match=words):
        model_files(chosen(model, "t5xxl", "clip_l", family=family))


@pytest.mark.parametrize("family", TRANSFORMERS)
def test_a_checkpoint_of_stable_diffusion_is_no_flow_model(models, family):
    write_checkpoint(models / "checkpoints" / "sd.safetensors", "SD1")
    with pytest.raises(InputError, match=f"sd.safetensors is SD1, not {family}. Set family to auto"):
        model_files(chosen("SD3", "t5xxl", "clip_l", checkpoint="sd.safetensors", family=family))
    for prefix in ("", "model.diffusion_model."):
        write_shapes(
            models / "diffusion_models" / "unet.safetensors", {f"{prefix}input_blocks.0.0.weight": (8, 4, 3, 3)}
        )
        with pytest.raises(InputError, match=f"unet.safetensors is a UNet of Stable Diffusion, not {family}"):
            model_files(chosen("Flux.1", diffusion_model="unet.safetensors", family=family))


@pytest.mark.parametrize(
    "family, held",
    [
        ("SD3", ["text_encoders.clip_l.a", "text_encoders.clip_g.a", "text_encoders.t5xxl.a", "first_stage_model.a"]),
        ("Lumina 2", [f"{GEMMA_INSIDE}a", "vae.a"]),
    ],
)
def test_a_checkpoint_that_holds_all_needs_no_more_files(models, family, held):
    model, prefix = TRANSFORMERS[family]
    state = small_flow(model).model.diffusion_model.state_dict()
    state = {(prefix or "model.diffusion_model.") + name: value for name, value in state.items()}
    state |= {name: torch.zeros(1) for name in held} | {f"{GEMMA_INSIDE}spiece_model": torch.arange(3).byte()}
    save_file(state, models / "checkpoints" / "whole.safetensors")
    files = model_files(chosen(family, vae="", checkpoint="whole.safetensors", diffusion_model=""))
    assert set(files.arguments) == ({"gemma2", "ae"} if family == "Lumina 2" else set())
    if family == "Lumina 2":
        assert set(files.arguments.values()) == {files.model}
        assert files.tokenizers() == {GEMMA_TOKENIZER: b"\0\1\2"}


def test_gemma_brings_its_tokenizer():
    assert set(model_files(chosen("Flux.1", "t5xxl", "clip_l")).tokenizers()) == {CLIP_L_TOKENIZER, T5_TOKENIZER}
    (words,) = model_files(chosen("Lumina 2", "gemma2")).tokenizers().values()
    assert words == sentencepiece_model()
    with pytest.raises(InputError, match="bare.safetensors holds no tokenizer"):
        model_files(chosen("Lumina 2", "bare")).tokenizers()


def test_a_distilled_model_is_noted():
    (note,) = model_files(chosen("schnell", "t5xxl", "clip_l")).notes
    assert "distilled to sample in few steps" in note
    assert model_files(chosen("Flux.1", "t5xxl", "clip_l")).notes == ()
