"""An upscaler run in tiles gives what it gives run whole, and the result still tiles."""

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.common.errors import InputError
from tilewright.common.resample import resize
from tilewright.host import upscale_model
from tilewright.nodes.upscale import UpscaleWithModel
from tilewright.upscale.upscale_tiles import measure_halo

pytestmark = pytest.mark.slow


class Upscaler(torch.nn.Module):
    """What the host's loader gives: callable, with a scale and a patcher. `layers` 3x3 convolutions reach as far."""

    def __init__(self, layers=5, scale=2):
        super().__init__()
        torch.manual_seed(0)
        widths = [3, *[8] * (layers - 1), 3 * scale**2]
        convs = [torch.nn.Conv2d(a, b, 3, padding=1) for a, b in zip(widths, widths[1:], strict=False)]
        self.body = torch.nn.Sequential(*[part for conv in convs for part in (conv, torch.nn.LeakyReLU(0.2))])
        self.shuffle = torch.nn.PixelShuffle(scale)
        self.scale = scale
        self.input_channels = 3

    @property
    def patcher(self):
        from comfy.model_patcher import ModelPatcher

        return ModelPatcher(self.body, torch.device("cpu"), torch.device("cpu"))

    def forward(self, image):
        return self.shuffle(self.body(image)).add(0.5)


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def picture(height, width):
    return torch.rand(1, height, width, 3, generator=torch.Generator().manual_seed(1))


def upscaled(model, image, tile_size=64, axes="none", **options):
    return UpscaleWithModel.execute(model, image, tile_size, axes, **options).args[0]


@pytest.mark.parametrize("layers", [1, 3, 7])
def test_the_halo_is_never_more_than_the_network_reaches(layers):
    halo = measure_halo(Upscaler(layers), torch.rand(1, 3, 40, 50), 2)
    assert halo.pixels == 8
    assert halo.error <= 1e-5


def test_the_halo_is_measured_where_the_image_has_detail():
    """Flat but for one noisy corner of the second image: the model's reach of 9 px shows there alone."""
    image = torch.full((2, 3, 200, 200), 0.5)
    image[1, :, 90:190, 90:190] = torch.rand(3, 100, 100, generator=torch.Generator().manual_seed(2))

    def box(values):
        return torch.nn.functional.avg_pool2d(values, 19, 1, 9, count_include_pad=False)

    assert measure_halo(box, image, 1).pixels == 16


def test_a_network_that_sees_everything_is_noticed():
    halo = measure_halo(lambda image: image.repeat(1, 1, 2, 2) * image.mean(), torch.rand(1, 3, 40, 50), 2)
    assert halo.pixels == 64
    assert halo.error > 1e-5


def test_equals_the_untiled_run():
    model, image = Upscaler(), picture(100, 136)
    expected = model(image.movedim(-1, 1)).clamp(0, 1).movedim(1, -1)
    torch.testing.assert_close(upscaled(model, image), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("options", [{}, {"target_size": 300}], ids=["whole factor", "resampled"])
def test_what_tiles_still_tiles(options):
    model, image = Upscaler(), picture(80, 100)
    rolled = upscaled(model, image.roll((20, -25), (1, 2)), axes="both", **options)
    factor = rolled.shape[2] / 100
    expected = upscaled(model, image, axes="both", **options).roll((int(20 * factor), int(-25 * factor)), (1, 2))
    torch.testing.assert_close(rolled, expected, atol=1e-5, rtol=0)


def test_the_model_runs_as_often_as_the_target_takes():
    image, report = UpscaleWithModel.execute(Upscaler(), picture(32, 48), 64, "both", target_size=160).args
    assert image.shape == (1, 107, 160, 3)
    assert report.count("2x in tiles") == 2


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
    ids=["device", "main memory"],
)
@pytest.mark.parametrize("used", ["upscale_tiles", "measure_halo"])
def test_out_of_memory_tries_smaller_tiles_and_tells_when_there_are_none(monkeypatch, error, used):
    model, image, forward = Upscaler(), picture(64, 200), Upscaler.forward

    def forward_of_little(self, tile):
        if max(tile.shape[-2:]) > 160:
            raise error
        return forward(self, tile)

    expected = upscaled(model, image)
    monkeypatch.setattr(Upscaler, "forward", forward_of_little)
    enlarged, report = UpscaleWithModel.execute(model, image, 256, "none").args
    assert "in tiles of 128 px" in report
    torch.testing.assert_close(enlarged, expected, atol=1e-5, rtol=0)
    monkeypatch.setattr(upscale_model, used, lambda *_: forward_of_little(model, image.movedim(-1, 1)))
    with pytest.raises(InputError, match="out of memory even with tiles of 64"):
        upscaled(model, image)


def test_a_grey_map_is_enlarged_too():
    assert upscaled(Upscaler(), torch.rand(1, 40, 40)).shape == (1, 80, 80, 3)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_named(value):
    image = picture(64, 64)
    image[0, 3, 3, 0] = value
    with pytest.raises(InputError, match="The image has 1 of 4096 pixels that are not numbers"):
        upscaled(Upscaler(), image)


def test_a_model_that_gives_no_numbers_is_named():
    model = Upscaler()
    model.body[0].weight.data.fill_(torch.inf)
    with pytest.raises(InputError, match="What the upscale model gave has .* not numbers"):
        upscaled(model, picture(64, 64))


def test_no_model_is_named():
    with pytest.raises(InputError, match="upscale model is empty. Load one"):
        upscaled(None, picture(64, 64))


def test_a_fourth_channel_is_named():
    with pytest.raises(InputError, match="4 channels, the upscale model takes 3"):
        upscaled(Upscaler(), torch.rand(1, 40, 40, 4))


def test_a_target_below_the_image_is_named():
    with pytest.raises(InputError, match="64 pixels, but the image already has 100"):
        upscaled(Upscaler(), picture(80, 100), target_size=64)


@pytest.mark.parametrize("size", [(30, 45), (9, 200)])
def test_resampling_keeps_the_mean_of_what_tiles(size):
    image = torch.rand(2, 3, 60, 60)
    result = resize(image, *size, Axes(True, True))
    assert result.shape == (2, 3, *size)
    torch.testing.assert_close(result.mean((2, 3)), image.mean((2, 3)), atol=2e-3, rtol=0)


def test_resampling_a_wave_gives_the_wave():
    def wave(size):
        return torch.sin(2 * torch.pi * 3 * (torch.arange(size) + 0.5) / size).expand(1, 1, size, size)

    torch.testing.assert_close(resize(wave(256), 100, 100, Axes(True, True)), wave(100), atol=5e-3, rtol=0)


def test_resampling_is_wrap_equivariant():
    image, axes = torch.rand(1, 3, 64, 64), Axes(True, True)
    rolled = resize(image.roll((16, -8), (2, 3)), 96, 96, axes)
    torch.testing.assert_close(rolled, resize(image, 96, 96, axes).roll((24, -12), (2, 3)), atol=1e-6, rtol=0)
