"""The dataset stage's functions by themselves, each with an answer that can be told beforehand."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image
from tilewright.common.buckets import Buckets
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Rejected, Sample, TextureDataset, rejected_by_reason
from tilewright.dataset.bucketing import bucket_dataset
from tilewright.dataset.checks import Rules, check_image
from tilewright.dataset.clean import check_all, clean_dataset
from tilewright.dataset.image_files import find_images
from tilewright.dataset.load import Loading, load_folder
from tilewright.dataset.parallel import pixels_of
from tilewright.dataset.report import bucket_report, join_report, load_report, save_report
from tilewright.dataset.save import save_dataset
from tilewright.dataset.save_plan import Saving
from tilewright.dataset.split_join import join_datasets, split_by_material
from tilewright.dataset.substance.plan import choose_graph, choose_outputs, parse_fixed
from tilewright.dataset.substance.xml_description import graphs_of
from tilewright.dataset.transforms import turn_normals

GREY = (0.5, 0.5, 0.5)


def ignored(done, total):
    return None


def wall(folder, name="wall.png", size=(48, 32), **details):
    pixels = np.random.default_rng(len(name)).integers(60, 200, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / name)
    return Sample(folder / name, details.pop("map", "basecolor"), size, material=Path(name).stem, **details)


def test_files_are_images_or_named_with_the_reason(tmp_path):
    wall(tmp_path, "b_10.png")
    wall(tmp_path, "b_2.png")
    (tmp_path / "notes.psd").write_bytes(b"8BPS")
    (tmp_path / "b_2.txt").write_text("words", encoding="utf-8")
    images, rejected = find_images(tmp_path, [tmp_path])
    assert [image.path.name for image in images] == ["b_2.png", "b_10.png"]
    assert [(one.file.name, one.reason) for one in rejected] == [
        ("notes.psd", "not an image that Tilewright reads (.psd)")
    ]


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (Rules(min_side=64), "smaller than 64 pixels"),
        (Rules(max_side=40), "larger than 40 pixels"),
        (Rules(seams="off"), None),
    ],
)
def test_an_image_is_checked_by_itself(tmp_path, rules, reason):
    assert check_image(wall(tmp_path), GREY, rules).reason == reason


def test_a_file_that_was_deleted_since_is_a_reason_and_no_stop(tmp_path):
    gone, there = wall(tmp_path, "gone.png"), wall(tmp_path, "there.png")
    gone.file.unlink()
    cleaned = clean_dataset(TextureDataset((gone, there)), Rules(min_dpi=72), ignored)
    assert cleaned.kept.samples[0].file == there.file
    assert "No such file" in cleaned.reasons[0].reason


def test_all_images_are_checked_in_inference_mode_as_by_themselves(tmp_path):
    samples = tuple(wall(tmp_path, name) for name in ("a.png", "other.png", "third_one.png"))
    with torch.inference_mode():
        found = check_all(TextureDataset(samples), Rules(), ignored)
        alone = [check_image(sample, GREY, Rules()) for sample in samples]
    for one, expected in zip(found, alone, strict=True):
        assert torch.equal(one.fingerprint, expected.fingerprint)
        assert replace(one, fingerprint=None) == replace(expected, fingerprint=None)


def test_duplicates_are_left_out_in_inference_mode(tmp_path):
    samples = tuple(wall(tmp_path, name) for name in ("a.png", "b.png", "other.png"))
    with torch.inference_mode():
        cleaned = clean_dataset(TextureDataset(samples), Rules(), ignored)
    assert [sample.file.name for sample in cleaned.kept.samples] == ["a.png", "other.png"]


def test_two_datasets_become_one_with_their_findings(tmp_path):
    a, b = wall(tmp_path, "a.png"), wall(tmp_path, "b.png", repeats=2)
    joined = join_datasets(TextureDataset((a,)), TextureDataset((b,)), "regularisation", 3)
    assert [(one.repeats, one.regularisation) for one in joined.samples] == [(1, False), (6, True)]
    assert "1 image to train on" in join_report(joined) and "1 regularisation image" in join_report(joined)
    with pytest.raises(InputError, match="in both datasets: a.png"):
        join_datasets(TextureDataset((a,)), TextureDataset((a,)), "more images")


def test_a_split_follows_from_name_and_seed_alone(tmp_path):
    samples = tuple(Sample(Path(f"{n}.png"), "height", (8, 8), material=f"m{n}") for n in range(400))
    training, validation = split_by_material(TextureDataset(samples), 0.25, 7)
    fewer = split_by_material(TextureDataset(samples[:20]), 0.25, 7)[1]
    assert {one.material for one in fewer.samples} == {one.material for one in validation.samples} & {
        f"m{n}" for n in range(20)
    }
    assert 70 <= len(validation) <= 130 and len(training) + len(validation) == 400


def test_buckets_tell_what_they_do_to_images(tmp_path):
    wide = Sample(Path("wide.png"), "basecolor", (1000, 500), repeats=3)
    small = Sample(Path("small.png"), "basecolor", (128, 128), tileable=True)
    bucketed = bucket_dataset(TextureDataset((wide, small), buckets=Buckets()), 512)
    assert bucketed.counts.total() == 4
    assert [(sample.file.name, factor) for sample, factor in bucketed.enlarged] == [("small.png", 4.0)]
    report = bucket_report(bucketed, 512)
    assert "4 images an epoch in 2 buckets at resolution 512" in report
    assert "small.png (×4.00)" in report


def test_what_was_loaded_and_saved_is_told(tmp_path):
    (tmp_path / "in").mkdir()
    wall(tmp_path / "in", "a.png")
    (tmp_path / "in" / "b.png").write_bytes(b"Dear diary")
    loaded = load_folder(tmp_path / "in", Loading("basecolor", [tmp_path], "auto"), ignored)
    dataset = TextureDataset(tuple(loaded.samples), findings=loaded.findings)
    report = load_report(dataset, tmp_path / "in", loaded, 0)
    assert "1 image from" in report and "it is not an image of a known format: b.png" in report
    saving = Saving("kohya", "wall", "keep", 8, [tmp_path])
    saved = save_dataset(tmp_path / "out", {"train": dataset}, saving, ignored)
    assert save_report(saved, tmp_path / "out").startswith("1 image written to")
    assert pixels_of(dataset.samples[0]) == 48 * 32


def test_reasons_stand_once_with_all_their_files():
    rejected = [Rejected(Path("in/a.png"), "empty"), Rejected(Path("b.png"), "empty")]
    assert rejected_by_reason(rejected, Path("in")) == ["empty: a.png, b.png"]


def test_transparency_is_laid_over_the_background(tmp_path):
    image = torch.tensor([1.0, 0, 0, 0]).view(4, 1, 1).repeat(1, 8, 8)
    image[3, 4:] = 1  # one that is transparent everywhere has no alpha, whatever its fourth channel says
    write_png(tmp_path / "a.png", image)
    sample = Sample(tmp_path / "a.png", "basecolor", (8, 8))
    assert sample.read_opaque((0.25, 0.5, 0.75))[:, 0, 0].tolist() == [0.25, 0.5, 0.75]


def test_a_normal_that_leans_right_leans_up_after_a_quarter_turn():
    """Counter-clockwise; in OpenGL up is more green, in DirectX less."""
    right = torch.tensor([0.8, 0.5, 0.9]).view(3, 1, 1)
    assert turn_normals(right, "OpenGL", False, 1).flatten().tolist() == pytest.approx([0.5, 0.8, 0.9])
    assert turn_normals(right, "DirectX", False, 1).flatten().tolist() == pytest.approx([0.5, 0.2, 0.9])
    assert turn_normals(right, "OpenGL", True, 0).flatten().tolist() == pytest.approx([0.2, 0.5, 0.9])


SBSAR = """<sbsdescription><graphs><graph pkgurl="pkg://Bricks" label="Old Bricks"><outputs>
<output uid="1" identifier="out"><outputgui><channels><channel names="baseColor"/></channels></outputgui></output>
<output uid="2" identifier="mask"/></outputs><inputs><input identifier="tiles" type="4" default="3" alteroutputs="1">
<inputgui label="Tiles"><guislider min="1" max="9" step="1"/></inputgui></input></inputs></graph></graphs>
</sbsdescription>"""


def test_the_description_of_an_archive_becomes_graphs():
    graphs = graphs_of(ElementTree.fromstring(SBSAR))
    graph = choose_graph(graphs, "old bricks")
    assert (graph.name, graph.inputs[0].maximum, graph.inputs[0].outputs) == ("Bricks", (9.0,), ("out",))
    assert [output.identifier for output in choose_outputs(graph, ["basecolor"])] == ["out"]
    with pytest.raises(InputError, match="has no output 'height'. It has: out .basecolor."):
        choose_outputs(graph, ["height"])
    with pytest.raises(InputError, match="no graph 'wood'"):
        choose_graph(graphs, "wood")


def test_fixed_values_stand_one_a_line():
    assert parse_fixed("tiles = 3\n\n color = 1, 0.5, 0 ") == {"tiles": "3", "color": "1, 0.5, 0"}
    with pytest.raises(InputError, match="identifier = value"):
        parse_fixed("tiles 3")
