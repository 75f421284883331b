"""Score Images with small stand-ins for the encoders: the host's classes, a fraction as large, of random weights."""

import csv
import io

import comfy.clip_vision
import folder_paths
import pytest
import torch
from aesthetic_state import head_state
from safetensors.torch import save_file
from tilewright.common.errors import InputError
from tilewright.host import clip_scores

pytest_plugins = ["small_grids"]

VISION = {
    "model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_channels": 3, "image_size": 32, "patch_size": 8, "hidden_act": "quick_gelu",
    "projection_dim": 128,
}  # fmt: skip


@pytest.fixture
def encoders(grids, monkeypatch):
    """Writes a stand-in file for models/clip_vision, which the host's loader then gives as a small CLIP."""
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "clip_vision", ([str(grids.folder)], {".safetensors"}))
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "aesthetic", ([str(grids.folder)], {".safetensors"}))

    def write(name="vision.safetensors", without=(), **changes):
        torch.manual_seed(0)
        model = comfy.clip_vision.ClipVisionModel({**VISION, **changes})
        for parameter in model.model.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        state = {key: value.clone() for key, value in model.model.state_dict().items() if key not in without}
        save_file(state, grids.folder / name)
        monkeypatch.setattr(comfy.clip_vision, "load_clipvision_from_sd", lambda _state: model)
        return name

    return write


def text_clip(grids, projection=True):
    """The demo model's CLIP as if it came from a file, with or without its projection in it."""
    clip = grids.clip.clone()
    tower = clip.cond_stage_model.clip_l.transformer
    with torch.inference_mode():
        tower.text_projection.weight.copy_(torch.eye(128))
    file = grids.folder / ("full.safetensors" if projection else "stripped.safetensors")
    save_file({"text_projection.weight" if projection else "other": torch.eye(128)}, file)
    clip.patcher.cached_patcher_init = (None, ([str(file)],))
    return clip


PICTURES = torch.rand(4, 48, 48, 3, generator=torch.Generator().manual_seed(0))


def test_pictures_alone_are_scored_and_summed_up(grids):
    scored = grids.score_images(images=PICTURES, prompts="", name="mine")
    rows = list(csv.DictReader(io.StringIO(scored.csv)))
    assert len(rows) == 4 + 13 and rows[0]["model"] == "mine"
    contrast = torch.tensor([float(row["contrast"]) for row in rows[:4]], dtype=torch.float64)
    summary = {row["picture"]: row for row in rows[4:]}
    assert float(summary["mean"]["contrast"]) == pytest.approx(float(contrast.mean()), abs=1e-5)
    assert float(summary["deviation"]["contrast"]) == pytest.approx(float(contrast.std()), abs=1e-5)
    assert float(summary["kurtosis_error"]["seam"]) == pytest.approx((24 / 4) ** 0.5, abs=1e-5)
    assert "skewness and kurtosis are mostly chance" in scored.report


def test_a_pair_of_encoders_gives_cosines_of_each_picture_and_its_prompt(grids, encoders):
    scored = grids.score_images(images=PICTURES, prompts="bricks\nreed", clip_vision=encoders(), clip=text_clip(grids))
    rows = list(csv.DictReader(io.StringIO(scored.csv)))[:4]
    assert [row["prompt"] for row in rows] == ["bricks", "bricks", "reed", "reed"]
    vision = clip_scores.load_vision("vision.safetensors")
    texts = clip_scores.TextEncoder(text_clip(grids), vision)(["bricks", "reed"])
    embeddings = vision(list(PICTURES.movedim(-1, 1)))
    cosine = torch.nn.functional.cosine_similarity(embeddings[:, None], texts[None], dim=2)
    assert float(rows[3]["CLIP score"]) == pytest.approx(float(cosine[3, 1]), abs=1e-5)
    assert float(rows[3]["CLIP contrast"]) == pytest.approx(float(cosine[3, 1] - cosine[3, 0]), abs=1e-5)


def test_a_correct_pair_ranks_the_own_caption_above_the_others(grids, encoders, monkeypatch):
    """A stand-in for a trained pair: an image encoder that says exactly what the text encoder says of the caption."""
    captions = ["brick wall", "weave of reed", "terrazzo", "planks"]
    clip = text_clip(grids)
    name = encoders()
    vision = clip_scores.load_vision(name)
    texts = clip_scores.TextEncoder(clip, vision)(captions)
    monkeypatch.setattr(clip_scores.VisionEncoder, "__call__", lambda self, pictures: texts)
    scores = clip_scores.load_encoders(name, clip, "none")(list(PICTURES), captions)
    assert torch.allclose(scores["CLIP score"], torch.ones(4, dtype=torch.float64))
    assert (scores["CLIP contrast"] > 0).all()
    shuffled = clip_scores.load_encoders(name, clip, "none")(list(PICTURES), captions[1:] + captions[:1])
    assert (shuffled["CLIP score"] < scores["CLIP score"]).all()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"without": ["visual_projection.weight"]}, "no visual_projection"),
        ({"without": ["vision_model.post_layernorm.bias"]}, "lacks 1 of the weights(.|\n)*post_layernorm.bias first"),
        ({"projection_dim": 64}, "not a pair"),
    ],
)
def test_an_image_encoder_that_is_no_pair_is_refused(grids, encoders, given, reason):
    with pytest.raises(InputError, match=reason):
        grids.score_images(images=PICTURES, prompts="a", clip_vision=encoders(**given), clip=text_clip(grids))


OTHERS = {
    "siglip": VISION | {"model_type": "siglip_vision_model", "hidden_act": "gelu_pytorch_tanh"},
    "siglip2": VISION
    | {"model_type": "siglip2_vision_model", "hidden_act": "gelu_pytorch_tanh", "image_size": -1, "num_patches": 16},
    "dinov2": VISION
    | {"model_type": "dinov2", "layer_norm_eps": 1e-6, "use_swiglu_ffn": False, "image_size": 518, "patch_size": 14},
    "dinov3": VISION | {"model_type": "dinov3", "layer_norm_eps": 1e-5, "num_register_tokens": 4, "rope_theta": 100.0},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_encoders_without_a_text_tower_tell_how_like_the_renders_a_picture_is(grids, encoders, kind):
    name = encoders(**OTHERS[kind])
    vision = clip_scores.load_vision(name)
    noise, stripes = PICTURES[0].movedim(-1, 0), torch.arange(48) // 8 % 2.0
    pictures = [noise, torch.zeros_like(noise), torch.ones_like(noise), stripes.expand(3, 48, 48)]
    embeddings = vision(pictures)
    assert torch.allclose(embeddings.norm(dim=1), torch.ones(4, dtype=torch.float64))
    likeness = embeddings @ embeddings.T - torch.eye(4)
    assert likeness.max() < 1 - 1e-4  # it tells them apart
    assert torch.allclose(vision(pictures[2:3]), embeddings[2:3], atol=1e-5)
    assert 0 < vision.side <= 518
    with pytest.raises(InputError, match="clip_vision"):
        grids.score_images(images=PICTURES, prompts="a", clip_vision=name, clip=text_clip(grids))


def test_a_text_encoder_without_its_projection_is_refused(grids, encoders):
    with pytest.raises(InputError, match="no text_projection(.|\n)*unwritten memory"):
        clip = text_clip(grids, projection=False)
        grids.score_images(images=PICTURES, prompts="a", clip_vision=encoders(), clip=clip)


def test_a_text_encoder_of_unknown_origin_is_refused(grids, encoders):
    with pytest.raises(InputError, match="own loaders"):
        grids.score_images(images=PICTURES, prompts="a", clip_vision=encoders(), clip=grids.clip)
    with pytest.raises(InputError, match="clip_vision is none"):
        grids.score_images(images=PICTURES, prompts="a", clip=grids.clip)


def test_the_aesthetic_head_wants_its_own_encoder(grids, encoders):
    save_file(head_state(), grids.folder / "head-linearMSE.safetensors")
    with pytest.raises(InputError, match="ViT-L/14 with its projection"):
        grids.score_images(images=PICTURES, prompts="", clip_vision=encoders(), aesthetic="head-linearMSE.safetensors")
    name = encoders(projection_dim=768)
    scored = grids.score_images(images=PICTURES, prompts="", clip_vision=name, aesthetic="head-linearMSE.safetensors")
    assert "aesthetic: mean" in scored.report


def test_numbers_of_prompts_that_do_not_divide_are_told(grids):
    with pytest.raises(InputError, match="3 lines for 4 images"):
        grids.score_images(images=PICTURES, prompts="a\nb\nc")
    with pytest.raises(InputError, match="images is an empty batch"):
        grids.score_images(images=PICTURES[:0], prompts="a")
