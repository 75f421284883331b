"""Where the maps of a tiled decode are kept changes its memory, never its result."""

import math

import numpy as np
import pytest
import torch
from comfy.ldm.modules.diffusionmodules.model import Decoder
from comfy.taesd.taesd import TAESD
from random_networks import DEMO_MODEL, STABLE_DIFFUSION, random_autoencoder, random_weights
from tilewright.common.axes import Axes
from tilewright.common.wrapped_convolutions import replaced
from tilewright.host.networks import norm_weights
from tilewright.upscale import tiled_autoencoder, tiled_layers, tiny_autoencoder
from tilewright.upscale.chunked_attention import attend
from tilewright.upscale.convolution_geometry import doubling_convolution, unpadded_convolutions
from tilewright.upscale.dry_run import DryRunLayers, plan_within
from tilewright.upscale.feature_map import StoredMap
from tilewright.upscale.memory_plan import MemoryPlan, Place
from tilewright.upscale.offloading import link_to, macs_per_byte
from tilewright.upscale.tiled_convolution import RecomputedMap
from tilewright.upscale.tiled_layers import TiledLayers
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
MB = 10**6


OFFLOADED = MemoryPlan(macs_per_byte=0.0, largest_map=0)  # no map stays on the device, however small
RECOMPUTED = MemoryPlan(macs_per_byte=math.inf, largest_map=0)
each_plan = pytest.mark.parametrize("plan", [OFFLOADED, RECOMPUTED], ids=["offloaded", "recomputed"])


@pytest.fixture(scope="module")
def network():
    return random_autoencoder(STABLE_DIFFUSION).first_stage_model


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def walked(walk, part, values, plan, tile_size=64, axes="none", done=None):
    """What `walk` makes of `values` with the layers of `part`, by a plan; done: gets the work after every tile."""
    layers = TiledLayers(CPU, tile_size, Axes.parse(axes), norm_weights, done or (lambda work: None), plan)
    with replaced(part, unpadded_convolutions(part)):
        return walk(part, values, layers)


@each_plan
@pytest.mark.parametrize("axes", ["none", "both"])
def test_decoding_is_the_same_wherever_the_maps_are(network, plan, axes):
    latents = noise(1, 4, 17, 13)
    kept = walked(tiled_autoencoder.decode, network.decoder, latents, MemoryPlan(), axes=axes)
    away = walked(tiled_autoencoder.decode, network.decoder, latents, plan, axes=axes)
    torch.testing.assert_close(away, kept, atol=1e-5, rtol=0)


@each_plan
def test_encoding_too(network, plan):
    image = noise(1, 3, 72, 104)
    kept, away = (walked(tiled_autoencoder.encode, network.encoder, image, way) for way in (MemoryPlan(), plan))
    torch.testing.assert_close(away, kept, atol=1e-5, rtol=0)


@each_plan
def test_taesd_too(plan):
    decoder, latents = random_weights(TAESD()).first_stage_model.taesd_decoder, noise(1, 4, 12, 9)
    kept, away = (walked(tiny_autoencoder.run, decoder, latents, way) for way in (MemoryPlan(), plan))
    torch.testing.assert_close(away, kept, atol=1e-5, rtol=0)


def test_what_is_larger_than_the_budget_goes_where_it_costs_least():
    def place(largest_map, macs_per_byte, repeatable):
        plan = MemoryPlan(math.inf, macs_per_byte, largest_map)
        return plan.place(size=1000, macs=5000, repeatable=repeatable)

    assert place(1000, 1.0, repeatable=True) is Place.DEVICE
    assert place(999, 10.0, repeatable=True) is Place.RECOMPUTE
    assert place(999, 1.0, repeatable=True) is Place.OFFLOAD
    assert place(999, 10.0, repeatable=False) is Place.OFFLOAD


def test_a_processor_has_no_other_memory_to_carry_maps_to():
    assert macs_per_byte(CPU, torch.float32) == float("inf")


@each_plan
def test_the_work_is_known_before_it_is_done(network, plan):
    count, done = DryRunLayers(plan), []
    latents = noise(1, 4, 16, 16)
    tiled_autoencoder.decode(network.decoder, latents.to("meta"), count)
    walked(tiled_autoencoder.decode, network.decoder, latents, plan, done=done.append)
    assert sum(done) == count.macs


def test_no_tile_of_a_large_decode_keeps_a_cancelled_run_going_for_long():
    """SD's own autoencoder at 4096 px in tiles as large as they may be asked for: about a second of a slow CPU each."""

    class Largest(DryRunLayers):
        def compute(self, work, target):
            self.macs = max(
                self.macs,
                max(tile.area for tile in self.tiles_of(work, target)) * work.macs_per_cell,
            )

        def attention(self, query, key, value):
            longest = max(chunk.length for chunk in self.query_chunks(query, key))
            self.macs = max(self.macs, longest * self.macs_per_query(key))
            return query

    layers, autoencoder = Largest(MemoryPlan()), {**STABLE_DIFFUSION, "ch": 128, "z_channels": 4, "resolution": 64}
    layers.tile_size = 8192
    with torch.device("meta"):
        decoder = Decoder(**autoencoder, in_channels=3, out_ch=3, attn_resolutions=[])
    tiled_autoencoder.decode(decoder, torch.empty(1, 4, 512, 512, device="meta"), layers)
    assert 1e9 < layers.macs <= tiled_layers.MACS_PER_TILE


def test_only_what_grows_is_computed_again(network, monkeypatch):
    again = []
    monkeypatch.setattr(
        RecomputedMap, "complete", lambda self, moments: again.append(self) or setattr(self, "moments", moments)
    )
    walked(tiled_autoencoder.decode, network.decoder, noise(1, 4, 8, 8), RECOMPUTED)
    assert [(map.work.doubled, map.height) for map in again] == [(False, 8), (True, 16), (True, 32), (True, 64)]


@pytest.mark.parametrize(("height", "width"), [(5, 7), (1, 1)])
def test_a_convolution_of_doubled_cells_is_that_of_the_doubled_image(height, width):
    image, conv = noise(2, 3, height, width), torch.nn.Conv2d(3, 4, 3, padding=1)
    expected = conv(image.repeat_interleave(2, -1).repeat_interleave(2, -2))
    surrounded = torch.nn.functional.pad(image, (1, 1, 1, 1))
    torch.testing.assert_close(doubling_convolution(surrounded, conv.weight, conv.bias), expected)


def test_attention_in_parts_is_attention():
    queries, keys, values = noise(3, 50, 16).unbind()
    parts = zip(keys.split(13), values.split(13), strict=True)
    whole = torch.nn.functional.scaled_dot_product_attention(queries[None], keys[None], values[None])[0]
    torch.testing.assert_close(attend(queries, parts), whole)


class LargestOutput(TorchDispatchMode):
    """Values in the largest tensor that an operation gives."""

    values = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        outputs = operation(*args, **(kwargs or {}))
        sizes = [one.numel() for one in torch.utils._pytree.tree_leaves(outputs) if torch.is_tensor(one)]
        self.values = max([self.values, *sizes])
        return outputs


@torch.inference_mode(False)  # in which a mode sees attention as one operation, whatever it consists of
@torch.no_grad()
def test_attention_never_holds_the_scores_of_its_queries():
    layers = TiledLayers(CPU, 64, Axes.parse("none"), norm_weights, lambda work: None, MemoryPlan())
    query, key, value = (StoredMap(noise(16, 32, 32), 8) for _ in range(3))
    with LargestOutput() as largest:
        layers.attention(query, key, value)
    assert largest.values == 16 * 32 * 32  # where all scores would be 32 ** 4


@pytest.fixture
def small():
    return random_autoencoder(DEMO_MODEL).first_stage_model


@pytest.fixture
def main_memory_unseen(monkeypatch):
    """Host memory that torch's own account of memory leaves out, so that what remains is the device's."""
    monkeypatch.setattr(tiled_layers, "main_memory", lambda shape, dtype: torch.from_numpy(np.empty(shape, np.float32)))
    monkeypatch.setattr(tiled_layers, "SCORES_PER_CHUNK", 2**14)  # as small beside the tiles as in a large image


def device_peak(network, size, plan, tile_size=64):
    latents = noise(1, 4, size, size)
    return allocated(lambda: walked(tiled_autoencoder.decode, network.decoder, latents, plan, tile_size))


def allocated(action):
    """The most bytes that tensors took at once while `action` ran."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        action()
    events = [event for event in record.profiler.kineto_results.events() if event.name() == "[memory]"]
    return np.cumsum([event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]).max()


def test_memory_grows_with_the_tile_and_not_with_the_image(small, main_memory_unseen):
    one, four_times = (device_peak(small, size, OFFLOADED) for size in (16, 32))
    assert four_times < 1.2 * one
    assert device_peak(small, 32, OFFLOADED, tile_size=128) > 2 * four_times
    assert device_peak(small, 32, MemoryPlan()) > 4 * four_times


@pytest.mark.parametrize("budget", [8 * MB, 24 * MB])
def test_the_budget_is_kept(small, main_memory_unseen, budget):
    plan, _ = planned(small, 32, budget, macs_per_byte=0.0)
    assert device_peak(small, 32, plan, 512) < budget < device_peak(small, 32, MemoryPlan(), 512)


def planned(network, size, budget, macs_per_byte=math.inf):
    """The plan for a decode of size by size latents, and its macs."""
    latents = torch.empty(1, 4, size, size, device="meta")
    return plan_within(budget, macs_per_byte, lambda layers: tiled_autoencoder.decode(network.decoder, latents, layers))


def test_where_the_untiled_decode_fits_nothing_is_computed_again_or_carried_away(network):
    latents = noise(1, 4, 32, 32)
    untiled = allocated(lambda: network.decoder(latents))
    plan, work = planned(network, 32, untiled)
    assert plan.largest_map == math.inf
    assert work == planned(network, 32, math.inf)[1]
    assert device_peak(network, 32, plan, 128) < 0.75 * untiled


def test_the_less_memory_the_more_is_computed_again(network):
    """The three doublings, the largest first; together not much."""
    budgets = [40 * MB, 20 * MB, 8 * MB, 3 * MB, MB]
    work = [planned(network, 32, budget)[1] / planned(network, 32, math.inf)[1] for budget in budgets]
    assert work == sorted(work)
    assert work[0] == 1 < work[-1] < 1.35


def test_a_budget_that_holds_nothing_is_planned_for_too(network):
    smallest_map = 128 * 32 * 32 * 4
    assert planned(network, 32, 1000)[0].largest_map < smallest_map


cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@cuda
def test_tiles_travel_beside_the_work_and_arrive_whole():
    link, image = link_to(torch.device("cuda")), noise(8, 64, 96)
    result = torch.empty_like(image)
    for row in range(0, 64, 16):
        values = link.receive(link.prefetch(image[:, row : row + 16, 8:]))
        link.offload(values * 2, result[:, row : row + 16, 8:])
    link.wait()
    assert torch.equal(result[..., 8:], image[..., 8:] * 2)


@cuda
@pytest.mark.parametrize("memory", [0.0, 0.05])
def test_a_decode_on_the_device_is_that_of_the_processor(memory):
    from tilewright.nodes.upscale import TiledVAEDecode

    vae, latents = random_autoencoder(STABLE_DIFFUSION), noise(1, 4, 40, 56)
    image = TiledVAEDecode.execute({"samples": latents}, vae, 128, "both", memory).args[0]
    network = vae.first_stage_model.cpu()
    expected = walked(
        tiled_autoencoder.decode, network.decoder, network.post_quant_conv(latents), MemoryPlan(), axes="both"
    )
    torch.testing.assert_close(image.cpu(), (expected.movedim(1, -1) / 2 + 0.5).clamp(0, 1), atol=1e-3, rtol=0)
