"""Pictures of extreme sizes, 16,384 pixels by 64 and of single pixels, through nodes with right values."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.nodes.material import (
    BlendNormals,
    ConvertNormal,
    HeightToNormal,
    NormalToHeight,
    PackChannels,
    UnpackChannels,
)
from tilewright.nodes.seamless import CropRegion, StitchRegion
from tilewright.nodes.upscale import UpscaleWithModel

LONG = [(64, 16384), (16384, 64)]
SINGLE = [(1, 1), (1, 64), (64, 1)]
ALL = LONG + SINGLE


class Doubled(torch.nn.Module):
    """An upscale model that repeats every pixel, as the host's loader gives one."""

    def __init__(self):
        super().__init__()
        self.body = torch.nn.Upsample(scale_factor=2)
        self.scale, self.input_channels = 2, 3
        self.patcher = self._patcher()

    def _patcher(self):
        from comfy.model_patcher import ModelPatcher

        return ModelPatcher(torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1)), torch.device("cpu"), torch.device("cpu"))

    def forward(self, image):
        return self.body(image)


def relief(rows, columns):
    """(1, rows, columns, 3): waves of 32 pixels along both sides, which tile."""
    down, across = (torch.arange(size) * (2 * torch.pi / min(32, size)) for size in (rows, columns))
    height = 0.5 + 0.2 * torch.sin(down)[:, None] * torch.cos(across) + 0.1 * torch.cos(down)[:, None]
    return height[None, :, :, None].expand(-1, -1, -1, 3).contiguous()


def normal_of(rows, columns):
    return HeightToNormal.execute(relief(rows, columns), height_cm=2.0, size_cm=columns / 16, deband=False)[0]


def image(rows, columns, seed=0):
    return torch.rand(1, rows, columns, 3, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", LONG)
def test_a_height_comes_back_from_its_normals(size):
    normal, height = normal_of(*size), relief(*size)
    found = NormalToHeight.execute(normal, "OpenGL", size_cm=size[1] / 16)[0][..., 0]
    apart = (found - found.mean()) / found.std() - (height[..., 0] - height[..., 0].mean()) / height[..., 0].std()
    assert apart.abs().max() < 0.02


@pytest.mark.parametrize("size", LONG)
def test_normals_are_blended_and_converted_as_those_of_a_square(size):
    normal = normal_of(*size)
    flat = torch.tensor([0.5, 0.5, 1.0]).expand_as(normal)
    torch.testing.assert_close(BlendNormals.execute(normal, flat)[0], normal, atol=2e-3, rtol=0)
    rows = [slice(0, 32), slice(-32, None)]
    square = normal_of(64, 64)
    for some in rows:
        torch.testing.assert_close(normal[:, some, some], square[:, some, some], atol=1e-3, rtol=0)
    other = ConvertNormal.execute(normal, "OpenGL", "DirectX")[0]
    torch.testing.assert_close(other[..., 1], 1 - normal[..., 1], atol=1e-6, rtol=0)
    torch.testing.assert_close(ConvertNormal.execute(other, "DirectX", "OpenGL")[0], normal, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", LONG)
def test_channels_are_unpacked_as_they_were_packed(size):
    grey = {name: image(*size, seed)[..., 0] for seed, name in enumerate(("occlusion", "roughness", "metallic"))}
    channels = "custom", "occlusion,roughness,metallic"
    _, roughness, metallic, occlusion, *_ = UnpackChannels.execute(
        PackChannels.execute(*channels, **grey)[0], *channels
    )
    for name, found in {"occlusion": occlusion, "roughness": roughness, "metallic": metallic}.items():
        torch.testing.assert_close(found[..., 0], grey[name])


@pytest.mark.parametrize("size", LONG)
def test_a_region_across_the_border_is_cut_out_and_put_back(size):
    texture, mask = image(*size), torch.zeros(1, *size)
    mask[:, :4, :4] = mask[:, -4:, -4:] = 1
    patch, _, region, _ = CropRegion.execute(texture, mask, 64, grow=0, feather=0, fill=False).args
    assert patch.shape[1:] == (64, 64, 3)
    mended, weight = StitchRegion.execute(texture, patch, region, match_color=False).args
    assert torch.equal(mended[weight == 0], texture[weight == 0]) and (weight > 0).sum() < 64 * 64
    torch.testing.assert_close(mended, texture, atol=0.6, rtol=0)


@pytest.mark.parametrize("size", ALL)
def test_an_upscale_model_doubles_every_pixel(size):
    small = image(*size)
    with torch.inference_mode():
        large = UpscaleWithModel.execute(Doubled(), small, 512, "both")[0]
    torch.testing.assert_close(large, small.repeat_interleave(2, 1).repeat_interleave(2, 2), atol=1e-3, rtol=0)


@pytest.mark.parametrize("size", SINGLE)
def test_nodes_take_single_pixels_or_say_what_is_large_enough(size):
    for make in (
        lambda: NormalToHeight.execute(torch.tensor([0.5, 0.5, 1.0]).expand(1, *size, 3), "OpenGL")[0],
        lambda: HeightToNormal.execute(image(*size))[0],
        lambda: PackChannels.execute("custom", "roughness", roughness=image(*size))[0],
        lambda: UnpackChannels.execute(image(*size), "custom", "occlusion,roughness,metallic")[1],
        lambda: CropRegion.execute(image(*size), torch.ones(1, *size), 64).args[0],
    ):
        try:
            assert make().isfinite().all()
        except InputError as error:
            assert "pixel" in str(error)
