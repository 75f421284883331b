"""Windows cover a latent evenly, around the torus, and a denoiser without surroundings does not notice them."""

import comfy.sample
import pytest
import torch
from comfy.controlnet import ControlNet
from euler_sampling import TEXT, noise, sample
from random_networks import random_control_network
from tilewright.common.axes import Axes
from tilewright.common.errors import InputError
from tilewright.host.demo_model import UNET, load_demo_model
from tilewright.nodes.seamless import SeamlessModel
from tilewright.nodes.upscale import TiledDiffusion
from tilewright.upscale.windows import METHODS, WindowPlan, crop_all, fuse, window_starts

pytestmark = pytest.mark.slow

TORUS = Axes(True, True)
each_method = pytest.mark.parametrize("method", METHODS)


@pytest.fixture(scope="module")
def model():
    return load_demo_model()[0]


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def seamless(model, axes="both"):
    return SeamlessModel.execute(model, axes).args[0]


def in_windows(model, tile_size=128, overlap=64, method=METHODS[1], axes="both", batch=4):
    return TiledDiffusion.execute(model, tile_size, overlap, method, axes, batch).args[0]


def covered(size, starts, side):
    return {cell % size for start in starts for cell in range(start, start + side)}


@pytest.mark.parametrize("wraps", [True, False])
@pytest.mark.parametrize("size", [40, 64, 104])
def test_windows_cover_the_axis_and_overlap(size, wraps):
    starts = window_starts(size, 32, 8, wraps, shift=0.3, unit=8)
    assert covered(size, starts, 32) == set(range(size))
    assert all(start % 8 == 0 for start in starts)
    assert max(b - a for a, b in zip(starts, starts[1:], strict=False)) <= 24 + 7


def test_windows_that_end_at_the_edge_stay_inside():
    starts = window_starts(104, 32, 8, False, shift=0.3, unit=8)
    assert (starts[0], starts[-1]) == (0, 72)


def test_a_window_that_spans_the_axis_is_the_axis():
    assert window_starts(32, 32, 8, True, shift=0.7, unit=8) == [0]
    assert WindowPlan(32, 8, METHODS[0], TORUS).inner_axes(64, 32) == Axes(x=True, y=False)


@each_method
@pytest.mark.parametrize("at_once", [1, 3])
def test_a_denoiser_without_surroundings_is_the_same_in_windows(method, at_once):
    plan, latent = WindowPlan(16, 4, method, TORUS), noise(2, 4, 40, 56)
    windows = plan.windows(40, 56, step=3, unit=8)

    def predict(group):
        return [crop_all(latent, group, 56).square().unflatten(0, (2, len(group)))]

    torch.testing.assert_close(fuse(plan, windows, latent, predict, at_once)[0], latent.square())


def test_half_precision_keeps_the_corners_of_gaussian_windows():
    plan, latent = WindowPlan(16, 0, METHODS[1], TORUS), noise(1, 4, 32, 32).half()
    result = fuse(plan, plan.windows(32, 32, 0, 8), latent, lambda group: [crop_all(latent, group, 32)[None]], 4)[0]
    assert torch.equal(result, latent)


@each_method
def test_windows_wrap_with_the_latent(method):
    """A fixed denoiser and a roll by the pitch of the windows: the same windows, one further."""
    plan, latent = WindowPlan(16, 8, method, TORUS), noise(1, 4, 32, 48)

    def blurred(latent):
        def predict(group):
            crops = crop_all(latent, group, 48)
            return [torch.nn.functional.avg_pool2d(crops, 3, 1, 1).unflatten(0, (1, len(group)))]

        return fuse(plan, plan.windows(32, 48, step=0, unit=8), latent, predict, at_once=4)[0]

    rolled = blurred(latent.roll((8, -16), (2, 3)))
    torch.testing.assert_close(rolled, blurred(latent).roll((8, -16), (2, 3)), atol=1e-6, rtol=0)


@pytest.mark.parametrize("axes", ["both", "x", "y"])
@pytest.mark.parametrize("shape", [(1, 4, 16, 16), (2, 4, 8, 16), (1, 4, 13, 9)], ids=["square", "batch", "odd"])
def test_one_window_wraps_as_the_seamless_model(model, shape, axes):
    latent = noise(*shape)
    assert torch.equal(sample(in_windows(model, axes=axes), latent), sample(seamless(model, axes), latent))


def test_one_window_without_axes_is_the_model_itself(model):
    latent = noise(1, 4, 16, 16)
    assert torch.equal(sample(in_windows(model, axes="none"), latent), sample(model, latent))


@pytest.mark.parametrize("size", [(16, 16), (13, 9)], ids=["square", "odd"])
def test_a_control_net_in_one_window_wraps_too(model, size):
    latent = noise(1, 4, *size)
    hint = torch.rand(1, 3, size[0] * 8, size[1] * 8, generator=torch.Generator().manual_seed(3))
    guided = sample(in_windows(model), latent, random_control_net(hint))
    assert torch.equal(guided, sample(seamless(model), latent, random_control_net(hint)))


def test_a_masked_latent_wraps_in_one_window(model):
    """As Set Latent Noise Mask gives it: the strip along the border is sampled, the rest stays."""
    latent, mask = noise(1, 4, 16, 16), torch.zeros(1, 1, 16, 16)
    mask[..., [0, 1, -1, -2]] = 1
    results = [
        comfy.sample.sample(
            wrapping, noise(1, 4, 16, 16, seed=5), 2, 1.0, "euler", "normal", TEXT, TEXT, latent, noise_mask=mask,
            disable_pbar=True, seed=0,
        )
        for wrapping in (in_windows(model), seamless(model))
    ]  # fmt: skip
    assert torch.equal(*results)
    torch.testing.assert_close(results[0][..., 2:-2], latent[..., 2:-2], atol=1e-4, rtol=0)


def test_an_area_does_not_wrap_along_an_axis_that_it_does_not_span(model):
    """The left half, in one window: its own edges are not the texture's. From top to bottom it wraps."""
    latent, area = noise(1, 4, 16, 16), {"area": (16, 8, 0, 0), "strength": 1.0}
    assert torch.equal(sample(in_windows(model), latent, **area), sample(seamless(model, "y"), latent, **area))


def test_the_given_model_stays_as_it_was(model):
    latent = noise(1, 4, 32, 48)
    before = sample(model, latent)
    assert not torch.equal(sample(in_windows(model), latent), before)
    assert torch.equal(sample(model, latent), before)


def test_how_many_windows_run_at_once_does_not_matter(model):
    latent = noise(1, 4, 32, 48)
    one, many = (sample(in_windows(model, batch=batch), latent) for batch in (1, 8))
    torch.testing.assert_close(one, many, atol=1e-3, rtol=1e-4)


def test_nothing_wraps_inside_a_window(model):
    """A seamless model wraps the whole latent; its windows see their true edges, as those of the plain model."""
    latent = noise(1, 4, 32, 48)
    seamless = SeamlessModel.execute(model, "both").args[0]
    assert torch.equal(sample(in_windows(seamless), latent), sample(in_windows(model), latent))


def test_a_window_that_spans_an_axis_wraps_along_it(model):
    """The windows lie side by side; each is as high as the latent, and wraps from top to bottom."""
    model, latent = in_windows(SeamlessModel.execute(model, "both").args[0]), noise(1, 4, 16, 48)
    rolled = sample(model, latent.roll(8, 2))
    torch.testing.assert_close(rolled, sample(model, latent).roll(8, 2), atol=1e-3, rtol=1e-4)


def test_a_control_net_runs_in_the_same_windows(model):
    latent, hint = noise(1, 4, 32, 48), torch.rand(1, 3, 256, 384, generator=torch.Generator().manual_seed(3))
    control = random_control_net(hint)
    sides, forward = set(), control.control_model.forward

    def watched(x, **others):
        sides.add(x.shape[-1])
        return forward(x=x, **others)

    control.control_model.forward = watched
    guided = sample(in_windows(model), latent, control)
    assert sides == {16}
    assert guided.isfinite().all()
    assert not torch.equal(guided, sample(in_windows(model), latent))


def test_odd_sizes_with_a_control_net_are_named(model):
    control = random_control_net(torch.rand(1, 3, 256, 360))
    with pytest.raises(InputError, match="45 x 32 cells"):
        sample(in_windows(model), noise(1, 4, 32, 45), control)


def test_odd_sizes_without_one_are_taken(model):
    assert sample(in_windows(model), noise(1, 4, 30, 45)).isfinite().all()


def test_an_overlap_beyond_half_a_window_is_refused():
    with pytest.raises(InputError, match="overlap is 320.*0 to 256 pixels"):
        TiledDiffusion.execute(None, 512, 320, "MultiDiffusion", "both")


def random_control_net(hint):
    control = ControlNet(random_control_network(UNET), load_device=torch.device("cpu"))
    return control.set_cond_hint(hint, 1.0, (0.0, 1.0))
