"""Seams with answers one can count by hand."""

import folder_paths
import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.seams import seam_statistics
from tilewright.nodes.seamless import MeasureSeams
from tilewright.seamless.seam_report import STRIP_HEIGHT, heat_strips


@pytest.fixture(autouse=True)
def previews_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "temp_directory", str(tmp_path))


def ramp(size=32):
    """0, 1, 2, ... size - 1 along x: every step inside is 1, the wrap line steps down by size - 1."""
    return torch.arange(size, dtype=torch.float32).expand(1, 1, size, size)


def one_over_f(size=256):
    """A noise with a 1/f spectrum, made in the frequency domain: it tiles by construction."""
    frequency = torch.fft.fftfreq(size).square()[:, None] + torch.fft.fftfreq(size).square()[None]
    amplitude = frequency.clamp(min=1 / size**2).rsqrt()
    amplitude[0, 0] = 0
    spectrum = torch.fft.fft2(torch.randn(3, size, size, generator=torch.Generator().manual_seed(0)))
    image = torch.fft.ifft2(spectrum * amplitude).real[None]
    return (image - image.min()) / (image.max() - image.min())


def bricks(size=256, brick=64, course=32, joint=4):
    """A wall in running bond whose joints lie at the edges of the image: it tiles."""
    row, column = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    shifted = column + (row // course % 2) * (brick // 2)
    is_brick = (row % course >= joint) & (shifted % brick >= joint)
    shade = torch.rand(size // course, size // brick, generator=torch.Generator().manual_seed(1)) * 0.1 + 0.5
    face = shade[row // course, shifted % size // brick]
    return torch.where(is_brick, face, 0.2).expand(1, 3, size, size)


def test_a_ramp_is_all_seam():
    seam = seam_statistics(ramp(32), "x")
    assert seam.r == 31
    assert seam.q == 31
    assert seam.verdict == "seam"


def test_a_ramp_has_no_seam_across():
    seam = seam_statistics(ramp(32), "y")
    assert (seam.r, seam.q, seam.r2) == (0, 0, 0)
    assert seam.verdict == "seamless"


def test_r2_against_a_hand_count():
    """Steps +1 and -1 in turn: each is 2 off the mean of its neighbours."""
    image = ((torch.arange(32) % 2) + 0.0).expand(1, 1, 32, 32).clone()
    assert seam_statistics(image, "x").r2 == 1
    image[..., 0] -= 2  # the steps about the wrap are now +1, -3, +3: that is 5 off
    seam = seam_statistics(image, "x")
    assert (seam.r, seam.q, seam.r2) == (3, 3, 2.5)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_seamless_noise_has_no_seam(axis):
    seam = seam_statistics(one_over_f(), axis)
    assert seam.q <= 1.05
    assert seam.r == pytest.approx(1, abs=0.3)
    assert seam.verdict == "seamless"


@pytest.mark.parametrize("axis", ["x", "y"])
def test_cropped_noise_has_one(axis):
    seam = seam_statistics(one_over_f()[..., :200, :200], axis)
    assert seam.q > 1.2
    assert seam.verdict == "seam"


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_brick_wall_is_judged_by_its_own_joints(axis):
    """Its wrap line is a joint: a strong step, but no stronger than the joints inside."""
    seam = seam_statistics(bricks(), axis)
    assert seam.r > 2
    assert seam.r2 > 1.5
    assert seam.q <= 1.05
    assert seam.verdict == "seamless"


def test_a_thin_line_shows_although_it_steps_no_further_than_others():
    """A dark line one pixel wide on the edge of noise: no step is the strongest, but none bends as much."""
    image = one_over_f()
    image[..., 0] -= 0.06
    seam = seam_statistics(image, "x")
    assert seam.q2 > seam.q
    assert seam.verdict == "seam"


def test_a_repair_that_moves_the_seam_is_noticed():
    cropped = one_over_f()[..., :200, :200]
    report, verdict = MeasureSeams.execute(*(t.movedim(1, -1) for t in (cropped.roll(100, -1), cropped))).args[2:4]
    assert "x (left-right): moved inside" in report
    assert verdict == "seam"


def test_a_gate_stops_where_a_seam_shows():
    cropped = one_over_f()[..., :200, :200].movedim(1, -1)
    with pytest.raises(InputError, match="does not tile:\nx .left-right.: seam"):
        MeasureSeams.execute(cropped, on_seam="stop")
    assert MeasureSeams.execute(one_over_f().movedim(1, -1), on_seam="stop").args[4] is True


def test_the_heat_strip_is_white_at_the_seam():
    strips = heat_strips(one_over_f()[..., :200, :200])
    assert strips.shape == (1, 3, 200 + STRIP_HEIGHT, 200 + STRIP_HEIGHT)
    above = strips[0, :, 0, STRIP_HEIGHT:].mean(0)
    assert int(above.argmax()) == 100


def test_a_flat_image_is_seamless():
    assert seam_statistics(torch.full((1, 3, 32, 32), 0.5), "x").verdict == "seamless"


def test_a_batch_is_judged_by_its_worst_image():
    batch = torch.cat([one_over_f()[..., :128, :128], one_over_f(128)]).movedim(1, -1)
    seam_x, seam_y, report, verdict, passed = MeasureSeams.execute(batch).args
    alone = [MeasureSeams.execute(single).args for single in batch.split(1)]
    assert seam_x == max(x for x, *_ in alone)
    assert seam_y == max(y for _, y, *_ in alone)
    assert (verdict, passed) == ("seam", False)
    assert [line.split(" (Q")[0] for line in report.splitlines()] == [
        "image 1, x (left-right): seam",
        "image 1, y (top-bottom): seam",
        "image 2, x (left-right): seamless",
        "image 2, y (top-bottom): seamless",
    ]


def test_a_single_channel_image_is_measured():
    assert MeasureSeams.execute(ramp(32)[0]).args[:2] == (31, 0)


def test_too_small_an_image_is_named():
    with pytest.raises(InputError, match="40 x 16 pixels.*at least 24"):
        MeasureSeams.execute(torch.zeros(1, 16, 40, 3))
