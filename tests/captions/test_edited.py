"""A dataset with edits, and the listing that the editor is told."""

import json
from pathlib import Path

import pytest
from tilewright.captions.captioning import REPLACE, caption_images
from tilewright.captions.edited import apply_edits, edits_report
from tilewright.captions.edits import Edit
from tilewright.captions.from_parameters import caption_dataset
from tilewright.captions.listing import file_stamp, list_dataset, listing_digest, read_listing, write_listing
from tilewright.captions.template import fill_template
from tilewright.common.errors import InputError
from tilewright.common.manifest import MaterialRecord
from tilewright.common.map_files import LINEAR, REPAIR, Reading
from tilewright.common.texture_dataset import Sample, TextureDataset

RECORD = MaterialRecord("oak", "wood", "oak planks", 0, True, {"basecolor": "oak.png"})
DATASET = TextureDataset(
    tuple(Sample(Path(f"{name}.png"), "basecolor", (4, 4), caption=f"a {name}") for name in ("wall", "floor", "roof"))
)
KEYS = ["input/wall.png", "input/floor.png", "input/roof.png"]


def test_edits_replace_captions_and_take_images_out():
    edits = {KEYS[0]: Edit("my wall", seen="a wall"), KEYS[1]: Edit(excluded=True), "input/gone.png": Edit("x")}
    edited = apply_edits(DATASET, KEYS, edits)
    assert edited.dataset.captions == ["my wall", "a roof"]
    assert [sample.hand_edited for sample in edited.dataset.samples] == [True, False]
    assert (edited.captions, edited.excluded, edited.overtaken, edited.absent) == (1, 1, (), 1)
    assert edits_report(edited).splitlines() == [
        "2 images go on, 1 with a caption that was edited by hand.",
        "1 images are excluded; their files stay.",
        "1 edits are for images that this dataset does not hold.",
    ]


def test_a_caption_that_changed_upstream_is_told_and_the_edit_is_used():
    edited = apply_edits(DATASET, KEYS, {KEYS[0]: Edit("my wall", seen="what it was")})
    assert edited.dataset.captions[0] == "my wall" and edited.overtaken == ("wall.png",)
    assert "yours are used" in edits_report(edited) and "wall.png" in edits_report(edited)


def test_nothing_left_is_an_error():
    with pytest.raises(InputError, match="All images of the dataset are excluded"):
        apply_edits(DATASET, KEYS, {key: Edit(excluded=True) for key in KEYS})


def by_hand():
    return apply_edits(DATASET, KEYS, {KEYS[0]: Edit("my wall", seen="a wall")}).dataset


def test_no_captioner_looks_at_an_image_whose_caption_was_written_by_hand(monkeypatch):
    looked = []
    monkeypatch.setattr(Sample, "read_opaque", lambda sample, background: looked.append(sample.file.stem) or 1)
    captioned, unreadable = caption_images(
        by_hand(), lambda images: ["a model's" for _ in images], 2, REPLACE, lambda done, total: None
    )
    assert captioned.captions == ["my wall", "a model's", "a model's"]
    assert looked == ["floor", "roof"] and unreadable == []


def test_captions_from_parameters_leave_it_as_well():
    samples = tuple(
        Sample(Path("oak.png"), "basecolor", (4, 4), "mine", record=RECORD, hand_edited=hand) for hand in (True, False)
    )
    captioned, _ = caption_dataset(TextureDataset(samples), 6, True)
    assert captioned.captions == ["mine", "oak planks, wood"]


def test_a_template_takes_it_in_and_never_drops_it():
    sample = by_hand().samples[0]
    assert fill_template("{trigger}, [filewords]", sample, "tw", "texture") == "tw, my wall"
    assert fill_template("{trigger} {class}", sample, "tw", "texture") == "my wall"


def test_a_listing_comes_back_as_it_was_written(tmp_path):
    listing = list_dataset(by_hand(), KEYS, [2, 3, 4], [("seam",), (), ()], 75)
    write_listing(tmp_path / "dataset.json", listing)
    assert read_listing(tmp_path / "dataset.json") == listing
    assert [one.hand_edited for one in listing.images] == [True, False, False]
    assert listing_digest(listing) != listing_digest(list_dataset(DATASET, KEYS, [2, 3, 4], [()] * 3, 75))


def test_a_listing_keeps_how_each_file_is_read_and_one_without_the_green_is_read_as_before(tmp_path):
    reading = Reading(LINEAR, "beauty", REPAIR, flip_green=True)
    dataset = TextureDataset((Sample(Path("wall.exr"), "normal", (4, 4), reading=reading),))
    file = tmp_path / "dataset.json"
    write_listing(file, list_dataset(dataset, KEYS[:1], [0], [()], 75))
    assert read_listing(file).images[0].reading == reading
    content = json.loads(file.read_text())
    del content["images"][0]["flip_green"]  # as earlier versions wrote it
    file.write_text(json.dumps(content))
    assert read_listing(file).images[0].reading == Reading(LINEAR, "beauty", REPAIR)
    content["images"][0]["flip_green"] = "yes"
    file.write_text(json.dumps(content))
    with pytest.raises(InputError):
        read_listing(file)


@pytest.mark.parametrize(
    "text",
    ["{}", "[]", "{", '{"format": "tilewright-listing", "version": 9, "images": []}', '{"format": 1, "version": 1}',
     '{"format": "tilewright-listing", "version": 1, "limit": 75, "background": [0, 0, 0], "images": [{"key": 1}]}',
     '{"format": "tilewright-listing", "version": 1, "limit": 75, "background": [0, 0, 0], "images": [{"key": "a", '
     '"caption": "", "map": "secret", "material": "", "size": [1, 1], "badges": []}]}'],
)  # fmt: skip
def test_what_is_no_listing_is_refused(tmp_path, text):
    file = tmp_path / "dataset.json"
    file.write_text(text)
    with pytest.raises(InputError):
        read_listing(file)


def test_a_files_stamp_differs_when_it_was_changed(tmp_path):
    file = tmp_path / "wall.png"
    assert file_stamp(file) == ""
    file.write_bytes(b"one")
    first = file_stamp(file)
    file.write_bytes(b"other")
    assert "" != first != file_stamp(file)
