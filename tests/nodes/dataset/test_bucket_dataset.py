from pathlib import Path

from tilewright.common.buckets import Buckets
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.nodes.dataset.bucketing import BucketDataset

BACKGROUND = (0.1, 0.2, 0.3)


def bucket(*samples, resolution=512, minimum=0, maximum=0, step=64, upscale=True):
    dataset = TextureDataset(samples, BACKGROUND)
    return BucketDataset.execute(dataset, resolution, minimum, maximum, step, upscale)


def image(name, size, **details):
    return Sample(Path(name), "basecolor", size, **details)


def test_the_dataset_carries_the_sizes_and_stays_as_it_was_otherwise():
    given = image("a.png", (900, 600))
    dataset, _ = bucket(given, minimum=320, maximum=768, step=32, upscale=False)
    assert dataset == TextureDataset((given,), BACKGROUND, Buckets(320, 768, 32, False))


def test_the_report_counts_the_images_of_an_epoch():
    _, report = bucket(
        image("a.png", (512, 512), repeats=10), image("b.png", (1024, 512)), image("c.png", (2048, 2048))
    )
    assert report.splitlines() == [
        "12 images an epoch in 2 buckets at resolution 512:",
        "    11  512 × 512",
        "     1  704 × 320",
    ]


def test_what_suffers_is_named_the_worst_first():
    small, smaller = image("small.png", (400, 400)), image("smaller.png", (256, 256))
    panorama, strip = image("panorama.png", (3000, 500)), image("strip.png", (4000, 800), tileable=True)
    lines = bucket(small, smaller, panorama, strip)[1].splitlines()
    assert "2 enlarged by more than a tenth: smaller.png (×2.00), small.png (×1.28)" in lines
    assert "1 cut by more than a tenth: panorama.png (33%)" in lines
    assert "1 tileable and stretched by more than a tenth: strip.png (×1.25)" in lines


def test_without_upscaling_nothing_is_enlarged():
    report = bucket(image("small.png", (400, 400)), image("smaller.png", (256, 256)), upscale=False)[1]
    assert "enlarged" not in report
    assert "1  384 × 384" in report and "1  256 × 256" in report


def test_limits_in_the_wrong_order_are_told_before_the_run():
    assert "Swap the two" in BucketDataset.validate_inputs(minimum=512, maximum=256)
    assert BucketDataset.validate_inputs(minimum=512, maximum=0) is True
