"""Statistics of a whole image from those of its tiles."""

import torch
from tilewright.upscale.moments import Moments, TileMoments


def test_tiles_of_any_size_give_the_moments_of_the_image():
    image = torch.randn(3, 6, 10, generator=torch.Generator().manual_seed(0)) * 5 + 100
    tiles = TileMoments(2, 3, torch.device("cpu"))
    tiles.add(image[..., :3])
    tiles.add(image[..., 3:])
    merged = tiles.merged()
    torch.testing.assert_close(merged.mean.float(), image.mean((1, 2)))
    torch.testing.assert_close(merged.variance.float(), image.var((1, 2), correction=0))


def test_a_group_of_channels_varies_within_and_between_them():
    """Channels of mean 1 and 3 that vary by 2 each: together mean 2, variance 2 + 1."""
    moments = Moments(torch.tensor([1.0, 3.0, 0.0, 0.0]), torch.tensor([2.0, 2.0, 5.0, 7.0]))
    mean, variance = moments.by_group(2)
    assert (mean.tolist(), variance.tolist()) == ([2, 0], [3, 6])
