import pytest
from tilewright.common.buckets import Buckets
from tilewright.common.errors import InputError


def test_the_sizes_are_those_of_sd_scripts():
    # make_bucket_resolutions((512, 512), 256, 1024, 64) and ((256, 256), 128, 512, 64) of sd-scripts 0.10.1
    tall = [(256, 832), (256, 896), (256, 960), (256, 1024), (320, 704), (320, 768), (384, 640), (448, 576)]
    assert Buckets().sizes(512) == [*tall, (512, 512), *sorted((w, h) for h, w in tall)]
    assert Buckets().sizes(256) == [(128, 384), (128, 448), (128, 512), (192, 320), (256, 256), (320, 192),
                                    (384, 128), (448, 128), (512, 128)]  # fmt: skip


@pytest.mark.parametrize(
    ("image", "size"),
    [
        ((512, 512), (512, 512)),
        ((4096, 4096), (512, 512)),
        ((1024, 512), (704, 320)),
        ((100, 300), (256, 832)),
        ((300, 100), (832, 256)),
        ((10, 1000), (256, 1024)),
    ],
)
def test_an_image_goes_to_the_size_of_the_nearest_aspect(image, size):
    assert Buckets().size(image, 512) == size


@pytest.mark.parametrize(
    ("image", "size"),
    [
        ((500, 300), (448, 256)),  # small: cut to whole steps
        ((70, 900), (64, 896)),
        ((2000, 1400), (576, 384)),  # large: shrunk to the area of the resolution first
        ((3000, 500), (1152, 192)),
        ((1000, 999), (512, 512)),
        ((20, 20), (64, 64)),  # a UNet takes no less
    ],
)
def test_without_upscaling_sizes_are_those_that_sd_scripts_picks(image, size):
    # BucketManager(True, (512, 512), 256, 1024, 64).select_bucket, but for the last, where it fails
    assert Buckets(upscale=False).size(image, 512) == size


@pytest.mark.parametrize("buckets", [Buckets(), Buckets(step=32), Buckets(320, 640), Buckets(100, 200, 8)])
@pytest.mark.parametrize("resolution", [64, 256, 512, 1024])
def test_every_size_keeps_to_the_limits(buckets, resolution):
    sizes = buckets.sizes(resolution)
    low, high = buckets.minimum or resolution // 2, buckets.maximum or 2 * resolution
    assert sizes
    for width, height in sizes:
        assert width % buckets.step == height % buckets.step == 0
        assert width * height <= resolution**2
        assert max(width, height) <= high
        assert min(width, height) >= min(low, resolution)
        assert (height, width) in sizes


@pytest.mark.parametrize("buckets", [Buckets(), Buckets(upscale=False), Buckets(step=32)])
def test_a_turned_image_gets_the_turned_size(buckets):
    for width in range(300, 3000, 97):
        assert buckets.size((width, 700), 512) == buckets.size((700, width), 512)[::-1]


@pytest.mark.parametrize("wrong", [dict(minimum=512, maximum=256), dict(step=0), dict(step=60)])
def test_limits_that_leave_no_size_are_told(wrong):
    with pytest.raises(InputError):
        Buckets(**wrong)


@pytest.mark.parametrize("upscale", [True, False])
def test_a_step_that_exceeds_the_resolution_is_told(upscale):
    with pytest.raises(InputError, match="step of buckets is 128, but the resolution is 64"):
        Buckets(step=128, upscale=upscale).size((500, 300), 64)


def test_how_much_an_image_is_enlarged():
    buckets = Buckets()
    assert [buckets.enlargement((side, side), 512) for side in (128, 512, 2048)] == [4.0, 1.0, 0.25]
    assert buckets.enlargement((1024, 64), 512) == pytest.approx(4.0)  # 1024 × 256: its height is enlarged
