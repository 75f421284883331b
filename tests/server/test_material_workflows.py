"""The workflows that make materials, small, and the files that they leave."""

import json

import pytest
import torch
from api_workflows import load, of_class, path, pixels, seams_of, with_widgets
from standin_upscaler import write_standin_upscaler
from tilewright.common.axes import Axes
from tilewright.launch.client import run_prompt
from tilewright.material.normals import slope_scale
from tilewright.material.occlusion import horizon_occlusion

SMALL_SAMPLING = {"EmptyLatentImage": {"width": 64, "height": 64}, "KSampler": {"steps": 2}}


class Material:
    """The files of a saved material by suffix, as pixels (1, C, H, W), and its material.json."""

    def __init__(self, server, prompt):
        outputs = run_prompt(server.url, prompt)
        saved = [path(server, file) for file in outputs[of_class(prompt, "TilewrightSaveMaterial")]["files"]]
        files = [file for file in saved if file.suffix == ".png"]
        self.folder = files[0].parent
        self.maps = {file.stem.rsplit("_", 1)[1]: pixels(file) for file in files}
        self.bits = {file.stem.rsplit("_", 1)[1]: file.read_bytes()[24] for file in files}  # of a PNG's IHDR
        self.description = json.loads((self.folder / "material.json").read_text(encoding="utf-8"))


def assert_tiles(maps):
    for name, image in maps.items():
        for statistics in seams_of(image):
            assert statistics.q <= 1.05, name


@pytest.fixture(scope="module")
def from_height(server):
    small = with_widgets(load("height_to_normal"), TilewrightRenderProcedural={"size": 512})
    return Material(server, small)


def test_height_to_normal_saves_16_bits_of_every_map(from_height):
    assert from_height.bits == {"height": 16, "normal": 16, "occlusion": 16}
    assert {image.shape[-2:] for image in from_height.maps.values()} == {(512, 512)}
    assert from_height.description["preset"] == "plain"
    assert from_height.description["normal_convention"] == "OpenGL"
    assert_tiles(from_height.maps)


def test_height_to_normal_saves_the_height_that_it_loaded_bit_by_bit(server, from_height):
    rendered = pixels(server.output / "datasets" / "height_to_normal" / "cobblestone_0000_height.png")
    assert torch.equal(from_height.maps["height"], rendered[:, :1])


def test_height_to_normal_agrees_with_the_normals_of_the_renderer(server, from_height):
    rendered = pixels(server.output / "datasets" / "height_to_normal" / "cobblestone_0000_normal.png")
    cosine = torch.cosine_similarity(from_height.maps["normal"] * 2 - 1, rendered * 2 - 1, dim=1)
    assert torch.rad2deg(torch.acos(cosine.clamp(-1, 1))).mean() < 5


def test_embroidery_becomes_a_material_for_unity_hdrp(server):
    small = with_widgets(load("embroidery_to_material"), TilewrightRenderProcedural={"size": 256})
    saved = Material(server, small)
    assert saved.bits == {"BaseColor": 8, "Normal": 16, "MaskMap": 16, "Height": 16}
    assert saved.description["preset"] == "Unity HDRP"
    metallic, occlusion, detail, smoothness = saved.maps["MaskMap"][0]
    assert metallic.max() == 0
    expected = horizon_occlusion(saved.maps["Height"][:, :1] * slope_scale(0.3, 12.8, 256), 10, 16, Axes(True, True))
    assert (occlusion - expected.visibility[0, 0]).abs().max() < 1e-3  # of a height of 16 bits
    assert occlusion.min() < 0.7  # between the threads
    assert detail.min() == 1
    assert 0 < smoothness.mean() < 0.5  # cloth is rough
    assert_tiles(saved.maps)


def test_embroidery_is_enlarged_by_an_upscale_model_first(server):
    write_standin_upscaler(server.base / "models" / "upscale_models" / "RealESRGAN_x4plus.pth")
    small = with_widgets(
        load("embroidery_upscaled"),
        TilewrightRenderProcedural={"size": 64},
        TilewrightUpscaleWithModel={"tile_size": 64, "target_size": 256},
    )
    saved = Material(server, small)
    assert {image.shape[-2:] for image in saved.maps.values()} == {(256, 256)}
    assert_tiles(saved.maps)


def test_a_lora_becomes_a_material_that_a_gltf_viewer_opens(server):
    small = with_widgets(
        load("pbr_from_lora"),
        TilewrightRenderProcedural={"size": 64, "count": 2},
        TilewrightTrainLora={"steps": 2, "batch_size": 1, "resolution": 64, "rank": 2},
        EmptyLatentImage={"width": 128, "height": 128},
        KSampler={"steps": 4},
    )
    saved = Material(server, small)
    assert saved.description["preset"] == "glTF"
    assert saved.bits == {"baseColor": 8, "normal": 16, "occlusionRoughnessMetallic": 16, "height": 16}
    _, roughness, metallic = saved.maps["occlusionRoughnessMetallic"][0]
    assert 0.2 < roughness.min() < roughness.max() <= 1
    assert metallic.max() == 0
    assert_tiles(saved.maps)

    scene = json.loads((saved.folder / f"{saved.folder.name}.gltf").read_text(encoding="utf-8"))
    assert all((saved.folder / image["uri"]).is_file() for image in scene["images"])
    assert (server.output / "loras" / "pbr_from_lora.safetensors").is_file()
