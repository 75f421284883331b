"""One convolution with its surroundings, computed tile by tile, equals the one over the whole image."""

import pytest
import torch
from tilewright.common.axes import Axes, wrap_pad
from tilewright.common.wrapped_convolutions import replaced
from tilewright.upscale.convolution_geometry import macs_per_cell, receptive_field, result_size, unpadded_convolutions
from tilewright.upscale.feature_map import OffloadedMap, StoredMap
from tilewright.upscale.memory_plan import MemoryPlan
from tilewright.upscale.offloading import PlainLink
from tilewright.upscale.tiled_convolution import RecomputedMap, TiledConvolution
from tilewright.upscale.tiled_layers import TiledLayers
from tilewright.upscale.tiles import Span, Tile

TORUS, FLAT = Axes(True, True), Axes(False, False)
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def inference():
    with torch.inference_mode():
        yield


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def test_size_and_receptive_field_of_a_convolution():
    same, halving = torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Conv2d(3, 8, 3, stride=2)
    assert (result_size(same, 10), result_size(halving, 10, pad_after=1)) == (10, 5)
    assert receptive_field(same, Span(4, 6)) == Span(3, 7)
    assert receptive_field(halving, Span(4, 6)) == Span(8, 13)
    assert macs_per_cell(same) == 8 * 3 * 9


def test_a_map_is_written_and_read_by_tiles():
    stored = StoredMap(torch.zeros(1, 2, 4), cell=8)
    stored.write(Tile(Span(0, 2), Span(1, 3)), torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    assert stored.finish(stored.begin(Tile(Span(0, 1), Span(-2, 2)), TORUS)).tolist() == [[[[2, 0, 0, 1]]]]


def test_a_map_in_the_place_of_another_uses_its_memory():
    for stored in (StoredMap(torch.zeros(4, 2, 2), 1), OffloadedMap(torch.zeros(4, 2, 2), 1, PlainLink(CPU))):
        smaller = stored.in_its_place(3, cell=2)
        assert (type(smaller), smaller.channels, smaller.cell) == (type(stored), 3, 2)
        assert smaller.values.data_ptr() == stored.values.data_ptr()


def test_what_a_convolution_gives_and_costs():
    conv, shortcut = torch.nn.Conv2d(4, 8, 3, padding=1), torch.nn.Conv2d(2, 8, 1)
    source, added = StoredMap(noise(4, 6, 10), cell=4), StoredMap(noise(2, 12, 20), cell=2)
    work = TiledConvolution(conv, source, doubled=True, add=added, shortcut=shortcut)
    assert (work.shape, work.cell, work.values_per_cell) == ((8, 12, 20), 2, 4 + 8)
    assert work.macs_per_cell == 8 * 4 * 4 + 8 * 2  # nine taps over doubled cells are four


@pytest.mark.parametrize("axes", [TORUS, FLAT])
@pytest.mark.parametrize("store", [StoredMap, RecomputedMap])
def test_a_convolution_by_tiles_is_that_of_the_padded_image(axes, store):
    """Convolution, addition and ReLU; `store`: whether the map between two layers is kept or computed again."""
    first, second = (torch.nn.Conv2d(3, 3, 3, padding=1) for _ in range(2))
    image = noise(3, 13, 18)
    layers = TiledLayers(CPU, 8, axes, lambda norm, like: None, lambda macs: None, MemoryPlan())
    with replaced(first, unpadded(first)), replaced(second, unpadded(second)):
        source = TiledConvolution(first, StoredMap(image, 1), after=torch.relu)
        between = RecomputedMap(source) if store is RecomputedMap else layers.convolution(source)
        added = StoredMap(image.clone(), 1)
        result = layers.stored_convolution(TiledConvolution(second, between, add=added)).values

    def whole(conv, values):
        return torch.nn.functional.conv2d(wrap_pad(values[None], 1, axes, "zeros"), conv.weight, conv.bias)[0]

    torch.testing.assert_close(result, whole(second, whole(first, image).relu()) + image)


def unpadded(conv):
    return {"_conv_forward": unpadded_convolutions(torch.nn.Sequential(conv))["0._conv_forward"]}


def test_a_norm_and_silu_use_the_statistics_of_the_whole_image():
    """Over a map of two halves, 1 and 3, a half alone would have no variance at all."""
    norm = torch.nn.GroupNorm(1, 2, eps=0)
    layers = TiledLayers(CPU, 8, FLAT, lambda norm, like: (norm.weight, norm.bias), lambda macs: None, MemoryPlan())
    halves = torch.tensor([1.0, 3.0]).repeat_interleave(8).expand(2, 16, 16).clone()
    identity = torch.nn.Conv2d(2, 2, 1, bias=False)
    identity.weight.copy_(torch.eye(2).view(2, 2, 1, 1))
    source = layers.convolution(TiledConvolution(identity, StoredMap(halves, 1)))
    here = source.finish(source.begin(Tile(Span(0, 8), Span(0, 8)), FLAT))
    torch.testing.assert_close(layers.norm(norm, source)(here), torch.full((1, 2, 8, 8), -1.0))
    torch.testing.assert_close(layers.norm_silu(norm, source)(here), torch.full((1, 2, 8, 8), -0.26894142))
