"""How an image is cut into tiles, and what a tile reads beyond the border."""

import torch
from tilewright.common.axes import Axes
from tilewright.upscale.tiles import Span, Tile, inside, overhang, read, spans, tiles

TORUS, FLAT = Axes(True, True), Axes(False, False)


def test_spans_are_of_nearly_equal_length():
    assert spans(10, 4) == [Span(0, 3), Span(3, 6), Span(6, 10)]
    assert [span.length for span in spans(10, 4)] == [3, 3, 4]


def test_tiles_cover_the_image_once():
    covered = torch.zeros(7, 11)
    for tile in tiles(7, 11, 4):
        covered[tile.rows.start : tile.rows.stop, tile.columns.start : tile.columns.stop] += 1
        assert tile.area <= 16
    assert covered.unique().tolist() == [1]


def test_a_tile_over_the_border_reads_around_it_or_ends_there():
    image = torch.arange(12.0).view(1, 3, 4)
    corner = Tile(Span(-1, 1), Span(-1, 2))
    assert read(image, corner, TORUS).tolist() == [[[11, 8, 9], [3, 0, 1]]]
    assert read(image, corner, FLAT).tolist() == [[[0, 1]]]
    assert read(image, corner, Axes(x=True, y=False)).tolist() == [[[3, 0, 1]]]


def test_a_tile_may_be_larger_than_a_torus():
    row = torch.tensor([[[1.0, 2.0]]])
    assert read(row, Tile(Span(0, 1), Span(-3, 4)), TORUS).tolist() == [[[2, 1, 2, 1, 2, 1, 2]]]


def test_what_of_a_tile_lies_inside_and_how_far_it_reaches_over():
    tile = Tile(Span(-2, 5), Span(1, 9))
    assert inside(tile, 4, 8, FLAT) == Tile(Span(0, 4), Span(1, 8))
    assert overhang(tile, 4, 8, FLAT) == (0, 1, 2, 1)  # left, right, top, bottom
    assert inside(tile, 4, 8, TORUS) == tile
    assert overhang(tile, 4, 8, Axes(x=True, y=False)) == (0, 0, 2, 1)
