"""Measure Seams: badges in plain words, figures behind them, a gate, and a picture with a strip of heat."""

import folder_paths
import pytest
import torch
from tileable_textures import blurred, cells, one_over_f, ramp, with_band
from tilewright.common.errors import InputError
from tilewright.nodes.seamless import MeasureSeams
from tilewright.seamless.seam_report import COLORS, STRIP_HEIGHT, SeamReport, heat_strips, measure_seams


@pytest.fixture(autouse=True)
def previews_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "temp_directory", str(tmp_path))


def measured(image, **options):
    return MeasureSeams.execute(image.movedim(1, -1), **options).args


def badges(report):
    return report.split("\nFigures")[0].splitlines()


def test_the_verdict_is_told_in_plain_words_before_the_figures():
    report = measured(one_over_f())[2]
    assert report.splitlines()[0] == "left–right: seamless · top–bottom: seamless"
    assert "Figures" in report.splitlines()[1]


def test_a_repair_that_moves_the_seam_is_noticed():
    cropped = one_over_f()[..., :200, :200]
    report, verdict = measured(cropped.roll(100, -1), before=cropped.movedim(1, -1))[2:4]
    assert "left–right: seam, the line only moved inside" in report
    assert verdict == "seam"


def test_a_gate_stops_where_a_seam_shows():
    cropped = one_over_f()[..., :200, :200]
    with pytest.raises(InputError, match="does not tile:\nleft–right: seam, a line shows"):
        measured(cropped, on_seam="stop")
    assert measured(one_over_f(), on_seam="stop")[4] is True


def test_a_blurred_band_along_the_edge_is_no_seamless_texture():
    """The border is blurred over some 30 pixels: no line steps at all there, but the stones have lost their grain."""
    texture = cells()
    assert measured(texture)[3] == "seamless"
    report, verdict, passed = measured(with_band(texture, blurred(texture, 6), 30))[2:]
    assert badges(report) == ["left–right: seam, the edge is softer than the inside · top–bottom: seamless"]
    assert (verdict, passed) == ("seam", False)


def test_the_heat_strip_has_the_colour_of_the_verdict_whatever_the_texture():
    """Green where it tiles, although its strongest line is white; red where a line shows."""
    for image, verdict in ((one_over_f(), "seamless"), (one_over_f()[..., :200, :200], "seam")):
        strips = heat_strips(image, measure_seams(image))
        size = image.shape[-1]
        assert strips.shape == (1, 3, size + STRIP_HEIGHT, size + STRIP_HEIGHT)
        assert strips[0, :, 0, STRIP_HEIGHT + size // 2].tolist() == pytest.approx(COLORS[verdict])
        assert strips[0, :, STRIP_HEIGHT + size // 2, 0].tolist() == pytest.approx(COLORS[verdict])


def test_a_band_is_marked_as_wide_as_it_is():
    image = with_band(cells(), blurred(cells(), 6), 30)
    report = measure_seams(image)
    below = heat_strips(image, report)[0, :, STRIP_HEIGHT - 1, STRIP_HEIGHT:]
    red = (below == torch.tensor(COLORS["seam"]).unsqueeze(1)).all(0)
    assert int(red.sum()) == 2 * report.x[0].band.width


def test_of_a_flat_image_nothing_is_measured():
    report, verdict, passed = measured(torch.full((1, 3, 32, 32), 0.5))[2:]
    assert badges(report) == [
        "left–right: nothing to measure, one flat value · top–bottom: nothing to measure, one flat value"
    ]
    assert (verdict, passed) == ("nothing to measure", True)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_none_are_refused(value):
    image = one_over_f()
    image[0, 1, 5, 5] = value
    with pytest.raises(InputError, match="The image has 1 of 65536 pixels that are not numbers"):
        measured(image)
    with pytest.raises(InputError, match="The image before has"):
        measured(one_over_f(), before=image.movedim(1, -1))


def test_a_batch_is_judged_by_its_worst_image():
    batch = torch.cat([one_over_f()[..., :128, :128], one_over_f(128)])
    seam_x, seam_y, report, verdict, passed = measured(batch)
    alone = [measured(single) for single in batch.split(1)]
    assert seam_x == max(x for x, *_ in alone)
    assert seam_y == max(y for _, y, *_ in alone)
    assert (verdict, passed) == ("seam", False)
    assert badges(report) == [
        "image 1, left–right: seam, a line shows · top–bottom: seam, a line shows",
        "image 2, left–right: seamless · top–bottom: seamless",
    ]


def test_the_report_holds_the_worst_of_each_axis():
    report = measure_seams(torch.cat([ramp(32), ramp(32).transpose(-1, -2)]))
    assert isinstance(report, SeamReport)
    assert (report.worst_x, report.worst_y) == (31, 31)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_any_number_of_channels_is_measured_and_shown(channels):
    assert measured(ramp(32).expand(1, channels, 32, 32))[:2] == (31, 0)
    assert MeasureSeams.execute(ramp(32)[0]).args[:2] == (31, 0)


@pytest.mark.parametrize(("height", "width"), [(16, 40), (1, 1), (23, 23)])
def test_too_small_an_image_is_named(height, width):
    with pytest.raises(InputError, match=f"{width} x {height} pixels.*at least 24"):
        measured(torch.zeros(1, 3, height, width))


def test_an_empty_batch_is_named():
    with pytest.raises(InputError, match="empty batch"):
        measured(torch.zeros(0, 3, 32, 32))
