"""The workflows that make textures tile and grow, small, and whether they still tile."""

import pytest
import torch
from api_workflows import load, of_class, path, pixels, seams_of, titled, with_widgets
from kornia.filters import canny
from PIL import Image
from standin_checkpoint import write_standin_checkpoint
from standin_controlnet import write_standin_controlnet
from standin_style import write_lora, write_style, write_vision
from tilewright.launch.client import run_prompt

SAVED = "Save texture"
CUT = {"TilewrightRenderProcedural": {"size": 384}, "ImageCrop": {"width": 256, "height": 256, "x": 48, "y": 32}}


class Run:
    """A workflow queued with other widget values; `image` and `text` give what the node of a title left."""

    def __init__(self, server, name, **widgets):
        self.server, self.prompt = server, with_widgets(load(name), **widgets)
        self.outputs = run_prompt(server.url, self.prompt)

    def image(self, title, ending=".png"):
        left = self.outputs[titled(self.prompt, title)]
        files = left.get("files", left["images"])  # Save Material's images are previews
        return pixels(path(self.server, next(file for file in files if file["filename"].endswith(ending))))

    def text(self, title):
        return self.outputs[titled(self.prompt, title)]["text"][0]


def small_latent(size, **sampling):
    return {"EmptyLatentImage": {"width": size, "height": size}, "KSampler": {"steps": 2, **sampling}}


def assert_tiles(image):
    for statistics in seams_of(image):
        assert statistics.q <= 1.05


def assert_repeats(preview, image):
    assert torch.equal(preview, image.repeat(1, 1, 2, 2))


def test_seamless_texture_tiles(server):
    run = Run(server, "seamless_texture", **small_latent(128))
    texture = run.image(SAVED)
    assert texture.shape == (1, 3, 128, 128)
    assert_tiles(texture)
    assert_repeats(run.image("2 x 2 preview"), texture)


@pytest.fixture(scope="module")
def made_seamless(server):
    return Run(server, "make_seamless", **CUT, TilewrightMakeSeamless={"width": 48})


def test_make_seamless_begins_with_a_seam_and_ends_without(made_seamless):
    before = made_seamless.image("2 x 2 before")[..., :256, :256]
    after = made_seamless.image("Save material", "basecolor.png")
    assert max(statistics.q for statistics in seams_of(before)) > 1.2
    assert_tiles(after)
    assert "not moved" in made_seamless.text("Measure seams")
    preview = made_seamless.image("Save 2 x 2 after")
    assert (preview - after.repeat(1, 1, 2, 2)).abs().max() < 1.5 / 255  # previews are cut to 8 bits, not rounded


def test_make_seamless_leaves_the_middle_as_it_was(server):
    cut = Run(server, "make_seamless", **CUT, TilewrightMakeSeamless={"width": 48, "method": "cut"})
    whole = pixels(server.output / "datasets" / "make_seamless" / "cobblestone_0000_height.png")[:, :1]
    before, after = whole[..., 32:288, 48:304], cut.image("Save material", "height.png")
    assert torch.equal(before[..., 64:192, 64:192], after[..., 64:192, 64:192])


def test_make_seamless_saves_the_height_cut_alike_in_16_bits(made_seamless):
    height = made_seamless.image("Save material", "height.png")
    assert ((height * 65535).round() % 257 != 0).any()  # values that 8 bits do not hold
    assert_tiles(height)


def test_inpaint_seam_repaints_the_strip_and_nothing_else(server):
    """As the file is, size and seed too: a picture that has a seam everywhere ends without one, in lines and bands."""
    run = Run(server, "inpaint_seam")
    before, painted = run.image("2 x 2 before")[..., :512, :512], run.image(SAVED)
    change = (painted - before).abs()
    assert change[..., 56:456, 56:456].max() < 1.5 / 255
    assert change[..., :16].mean() > 1 / 255
    assert [statistics.verdict for statistics in seams_of(before)] == ["seam", "seam"]
    assert [statistics.verdict for statistics in seams_of(painted)] == ["seamless", "seamless"]
    assert run.text("Measure seams").startswith("left–right: seamless · top–bottom: seamless")


def test_mend_a_spot_paints_over_the_stain_on_the_border_and_changes_nothing_else(server):
    run = Run(server, "mend_a_spot", KSampler={"steps": 2})
    before, after = run.image("2 x 2 before")[..., :512, :512], run.image("Save mended texture")
    stain = (before - 26 / 255).abs().amax(1, keepdim=True) < 1 / 255
    assert stain[..., :3].any() and stain[..., -3:].any() and not stain[..., 256].any()
    around = torch.nn.functional.max_pool2d(stain.float().roll(256, -1), 49, 1, 24).roll(-256, -1) > 0
    assert torch.equal(*(image[..., ~around[0, 0]] for image in (before, after)))
    assert (after - before).abs()[..., stain[0, 0]].mean() > 0.05
    assert_repeats(run.image("2 x 2 preview"), after)


def test_hires_fix_doubles_a_texture_that_tiles(server):
    run = Run(server, "hires_fix", **small_latent(128))
    texture = run.image(SAVED)
    assert texture.shape == (1, 3, 256, 256)
    assert_tiles(texture)


def test_upscale_4k_makes_eight_times_the_size_in_windows_and_tiles(server):
    run = Run(
        server,
        "upscale_4k",
        **small_latent(64, denoise=1.0),  # painted anew: the enlarged cells of so small a start would be lines
        TilewrightRenderProcedural={"size": 64, "count": 2},
        TilewrightTrainLora={"steps": 2, "batch_size": 1, "resolution": 64, "rank": 2},
        TilewrightTiledDiffusion={"tile_size": 128, "overlap": 64},
        TilewrightTiledVAEDecode={"tile_size": 128},
    )
    texture = run.image(SAVED)
    assert texture.shape == (1, 3, 512, 512)
    assert_tiles(texture)
    assert "equal to the untiled result" in run.text("How it was decoded")


@pytest.mark.slow
def test_reference_style_mixes_two_loras_and_a_picture_and_tiles(server):
    models = server.base / "models"
    write_standin_checkpoint(models / "checkpoints" / "standin.safetensors")
    write_vision(models / "clip_vision" / "standin.safetensors")
    write_style(models / "style_models" / "standin.safetensors")
    for seed, name in enumerate(("first", "second")):
        write_lora(models / "loras" / f"standin_{name}.safetensors", seed)
    Image.new("RGB", (300, 200), (200, 120, 40)).save(server.base / "input" / "standin_reference.png")
    prompt = load("reference_style")
    prompt[titled(prompt, "First style")]["inputs"]["lora_name"] = "standin_first.safetensors"
    prompt[titled(prompt, "Second style")]["inputs"]["lora_name"] = "standin_second.safetensors"
    files = {
        "CheckpointLoaderSimple": {"ckpt_name": "standin.safetensors"},
        "CLIPVisionLoader": {"clip_name": "standin.safetensors"},
        "StyleModelLoader": {"style_model_name": "standin.safetensors"},
        "LoadImage": {"image": "standin_reference.png"},
        **small_latent(128),
    }
    textures = []
    for change in ({}, {"StyleModelApply": {"strength": 0.0}}, {"LoraLoader": {"strength_model": 0.0}}):
        small = with_widgets(prompt, **files, **change)
        outputs = run_prompt(server.url, small)
        textures.append(pixels(path(server, outputs[titled(small, SAVED)]["images"][0])))
        assert_tiles(textures[-1])
    mixed, without_reference, without_loras = textures
    assert (mixed - without_reference).abs().max() > 0.01
    assert (mixed - without_loras).abs().max() > 0.01


class Guided(Run):
    """height_controlnet on the demo model, with a ControlNet of random weights in its shape."""

    def __init__(self, server, **widgets):
        file = server.base / "models" / "controlnet" / "standin.safetensors"
        if not file.exists():
            write_standin_controlnet(file)
        prompt = with_widgets(load("height_controlnet"), **widgets)
        checkpoint = of_class(prompt, "CheckpointLoaderSimple")
        prompt[checkpoint] |= {"class_type": "TilewrightDemoModel", "inputs": {}}
        prompt[of_class(prompt, "ControlNetLoader")]["inputs"]["control_net_name"] = file.name
        self.server, self.prompt = server, prompt
        self.outputs = run_prompt(server.url, prompt)


SMALL_HEIGHT = {
    "TilewrightRenderProcedural": {"size": 128},
    "ImageCrop": {"width": 128, "height": 128, "x": 64, "y": 64},
    "EmptyLatentImage": {"width": 128, "height": 128},
    "KSampler": {"steps": 2},
}


@pytest.fixture(scope="module")
def guided(server):
    return Guided(server, **SMALL_HEIGHT)


def test_height_controlnet_paints_on_the_height_and_tiles(server, guided):
    basecolor, height = (guided.image("Save material", f"{name}.png") for name in ("basecolor", "height"))
    assert basecolor.shape == (1, 3, 128, 128)
    assert_tiles(basecolor)
    assert_tiles(height)
    free = Guided(server, **SMALL_HEIGHT, ControlNetApplyAdvanced={"strength": 0.0})
    assert (free.image("Save material", "basecolor.png") - basecolor).abs().mean() > 1 / 255


def test_edges_of_a_height_that_tiles_go_on_around_its_border(guided):
    """They are those of the middle one of nine copies."""
    edges, height = (guided.image(title)[:, :1] for title in ("Edges", "Height"))
    assert edges.mean() > 0.01
    assert edges[..., :2].sum() + edges[..., -2:].sum() > 0
    twice = canny(height.repeat(1, 1, 3, 3), 0.1, 0.25)[1][..., 128:256, 128:256]
    assert ((edges > 0.5) == (twice > 0.5)).float().mean() > 0.99
