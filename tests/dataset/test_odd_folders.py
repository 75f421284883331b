"""Folders as people have them: files of the kinds that public bug reports tell of, used or named and never mistaken."""

import io
import json
import os
import struct
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from tilewright.common.dataset_counts import count_dataset, dataset_warnings
from tilewright.common.errors import InputError
from tilewright.common.files import name_key
from tilewright.common.image_writing import write_png
from tilewright.common.map_files import PARTIAL
from tilewright.common.texture_dataset import TextureDataset, rejected_by_reason
from tilewright.dataset.augment import Augmentation, augment_dataset
from tilewright.dataset.caption_lookup import odd_kohya_folder
from tilewright.dataset.image_files import FOREIGN_CAPTIONS, NO_TEXT
from tilewright.dataset.load import BARE_NUMBER, NO_REPEATS, UNNAMED_NORMALS, Loading, load_folder
from tilewright.dataset.save import save_dataset
from tilewright.dataset.save_plan import Saving


def ignored(done, total):
    pass


def loaded(folder, pictures, files=None, map="basecolor"):
    """What Load Dataset makes of a folder of small pictures and of files with these contents."""
    for number, name in enumerate(pictures):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name, format="PNG")
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return load_folder(folder, Loading(map, [folder], "auto"), ignored)


def names(found, folder):
    return [sample.file.relative_to(folder).as_posix() for sample in found.samples]


def warnings(found):
    return dataset_warnings(count_dataset(TextureDataset(tuple(found.samples), findings=found.findings)))


@pytest.mark.parametrize("ending", ["jfif", "jpe", "dib", "apng"])
def test_rarer_endings_of_usual_formats_are_read(tmp_path, ending):
    assert names(loaded(tmp_path, [f"wall.{ending}"]), tmp_path) == [f"wall.{ending}"]


def test_a_folder_that_was_chosen_is_read_whatever_its_name_and_its_neighbours(tmp_path):
    (tmp_path / "wall.png").write_bytes(b"a neighbour")
    place = tmp_path / "preview"
    found = loaded(place, ["wall.png", "floor.png", "masks/wall.png"])
    assert names(found, place) == ["floor.png", "wall.png"]


def test_previews_masks_and_thumbnails_are_no_textures(tmp_path):
    pictures = ["Bricks001_1K-JPG_Color.png", "Bricks001.png", "Bricks001_PREVIEW.png"]
    pictures += ["wall.png", "wall_mask.png", "wall-masklabel.png", "masks/wall.png", "thumbnails/wall.png"]
    found = loaded(tmp_path, pictures)
    assert names(found, tmp_path) == ["Bricks001_1K-JPG_Color.png", "wall.png"]
    (told,) = rejected_by_reason(found.rejected, tmp_path)
    assert told.startswith("a mask, a preview or another map") and all(name in told for name in pictures[1:3])


def test_what_augment_dataset_wrote_keeps_its_kinds(tmp_path):
    first = loaded(tmp_path / "wall", ["wall_basecolor.png", "wall_normal.png", "wall_height.png"], map="any")
    augment_dataset(TextureDataset(tuple(first.samples)), tmp_path / "more", Augmentation(1), 0, ignored)
    again = load_folder(tmp_path / "more", Loading("any", [tmp_path], "auto"), ignored)
    assert {sample.file.name: sample.map for sample in again.samples} == {
        "wall_basecolor_v1.png": "basecolor",
        "wall_normal_v1.png": "normal",
        "wall_height_v1.png": "height",
    }
    assert {sample.family for sample in again.samples} == {"wall"}


def test_normals_under_a_name_that_says_nothing_are_told(tmp_path):
    flat = torch.tensor([0.5, 0.5, 1.0]).view(3, 1, 1).expand(-1, 32, 32)
    write_png(tmp_path / "brick_local.png", flat + torch.randn(3, 32, 32).mul(0.01))
    found = loaded(tmp_path, ["brick.png"])
    assert [(file.name, note.what) for file, note in found.notes] == [("brick_local.png", UNNAMED_NORMALS)]


@pytest.mark.parametrize(
    ("written", "image"),
    [("./wall.png", "wall.png"), ("train\\wall.png", "train/wall.png"), ("train/../wall.png", "wall.png")],
)
def test_a_line_of_metadata_may_write_the_name_in_other_ways(tmp_path, written, image):
    found = loaded(tmp_path, [image], {"metadata.jsonl": json.dumps({"file_name": written, "text": "bricks"}) + "\n"})
    assert [sample.caption for sample in found.samples] == ["bricks"] and not found.rejected


def test_a_line_of_metadata_may_give_the_whole_path(tmp_path):
    line = json.dumps({"file_name": str(tmp_path / "wall.png"), "text": "bricks"})
    found = loaded(tmp_path, ["wall.png"], {"metadata.jsonl": line})
    assert [sample.caption for sample in found.samples] == ["bricks"]


def test_two_lines_for_one_image_are_told(tmp_path):
    lines = "".join(json.dumps({"file_name": "wall.png", "text": text}) + "\n" for text in ("first", "second"))
    found = loaded(tmp_path, ["wall.png"], {"metadata.jsonl": lines})
    assert [sample.caption for sample in found.samples] == ["second"]
    assert rejected_by_reason(found.rejected, tmp_path) == ["line 2 is for an image of an earlier line: metadata.jsonl"]


def test_lines_for_one_image_by_several_names_are_told(tmp_path):
    lines = "".join(json.dumps({"file_name": name, "text": name}) + "\n" for name in ("./wall.png", "wall.png"))
    found = loaded(tmp_path, ["wall.png"], {"metadata.jsonl": lines})
    assert [sample.caption for sample in found.samples] == ["wall.png"]
    assert [one.reason for one in found.rejected] == ["several lines are for wall.png, the last counts"]


@pytest.mark.parametrize("pair", [("Wall.png", "wall.png"), ("caf\u00e9.png", "cafe\u0301.png")])
def test_lines_for_images_whose_names_differ_in_case_or_accents_alone_are_kept_apart(tmp_path, pair):
    lines = "".join(json.dumps({"file_name": name, "text": f"of {name}"}) + "\n" for name in pair)
    found = loaded(tmp_path, pair, {"metadata.jsonl": lines})
    if len(found.samples) < 2:
        pytest.skip("this file system takes these names for one")
    assert {sample.file.name: sample.caption for sample in found.samples} == {name: f"of {name}" for name in pair}


@pytest.mark.parametrize("name", ["meta_cap.json", "wall.json", "wall.png.json"])
def test_captions_in_json_of_other_tools_are_told(tmp_path, name):
    found = loaded(tmp_path, ["wall.png"], {name: '{"wall": {"caption": "bricks"}}'})
    assert [one.file.name for one in found.rejected] == [name]


@pytest.mark.parametrize(
    "content",
    ["{\\rtf1\\ansi bricks}", "<!DOCTYPE html><html>", "version https://git-lfs.github.com/spec/v1\noid", "PK\3\4x"],
)
def test_a_caption_file_that_is_no_text_is_told(tmp_path, content):
    found = loaded(tmp_path, ["wall.png"], {"wall.txt": content})
    assert [sample.caption for sample in found.samples] == [""]
    assert [one.file.name for one in found.rejected] == ["wall.txt"]


@pytest.mark.parametrize("caption", [" , ,, ", ",\r\n"])
def test_a_caption_of_commas_is_none(tmp_path, caption):
    assert warnings(loaded(tmp_path, ["wall.png"], {"wall.txt": caption})) == ["1 image has no caption."]


@pytest.mark.parametrize(
    ("caption", "told"),
    [
        ("(red brick:1.2) wall", True),
        ("[moss:0.4]", True),
        ("wall, <lora:bricks:0.8>", True),
        ("twbricks \\(old\\)", True),
        ("{red|yellow} brick", True),
        ("wall BREAK floor", True),
        ("__colour__ wall", True),
        ("wall, embedding:old", True),
        ("a wall (old), 30 x 40 cm, ratio 1:2", False),
        ("break in the wall, a_b__c", False),
    ],
)
def test_a_prompts_syntax_in_a_caption_is_told(tmp_path, caption, told):
    found = warnings(loaded(tmp_path, ["wall.png"], {"wall.txt": caption}))
    assert [line.startswith("1 caption holds prompt syntax") for line in found] == [True] * told


def test_folders_whose_number_is_none_of_repeats_are_told_once(tmp_path):
    found = loaded(tmp_path, ["0_x/a.png", "0_x/b.png", "1001_x/c.png", "5_x/d.png", "5_x/7/e.png", "2k/f.png"])
    assert {(sample.file.name, sample.repeats, sample.caption) for sample in found.samples} == {
        ("a.png", 1, ""),
        ("b.png", 1, ""),
        ("c.png", 1, ""),
        ("d.png", 5, "x"),
        ("e.png", 5, "x"),
        ("f.png", 1, ""),
    }
    assert [(place.name, note.what) for place, note in found.notes] == [("0_x", NO_REPEATS), ("1001_x", NO_REPEATS)]
    assert odd_kohya_folder(tmp_path / "0_x" / "5_y" / "a.png", tmp_path) is None


def test_a_number_without_words_repeats_and_one_alone_is_told(tmp_path):
    found = loaded(tmp_path, ["10_/a.png", "10/b.png", "10__two_words/c.png", "5_x/7/d.png"])
    assert {(sample.file.name, sample.repeats, sample.caption) for sample in found.samples} == {
        ("a.png", 10, ""),
        ("b.png", 1, ""),
        ("c.png", 10, "two words"),
        ("d.png", 5, "x"),
    }
    assert [(place.name, note.what) for place, note in found.notes] == [("10", BARE_NUMBER)]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("wall.png.", "its name ends with a dot or a space, which no image's does: rename it"),
        ("wall.png ", "its name ends with a dot or a space, which no image's does: rename it"),
        ("metadata.csv", FOREIGN_CAPTIONS),
        ("metadata.parquet", FOREIGN_CAPTIONS),
    ],
)
def test_files_that_are_nearly_right_are_told_with_what_to_do(tmp_path, name, reason):
    found = loaded(tmp_path, ["floor.png"], {name: "file_name,text"})
    assert [(one.file.name, one.reason) for one in found.rejected] == [(name, reason)]


def test_pictures_whose_names_differ_in_case_or_accents_keep_their_words_and_places(tmp_path):
    stems = ["wall", "Wall", "caf\u00e9", "cafe\u0301"]
    source = tmp_path / "in"
    found = loaded(source, [f"{stem}.png" for stem in stems], {f"{stem}.txt": f"of {stem}" for stem in stems})
    if len(found.samples) < len(stems):
        pytest.skip("this file system takes some of these names for one")
    saved = save_dataset(
        tmp_path / "out",
        {"train": TextureDataset(tuple(found.samples))},
        Saving("kohya", "x", "overwrite", 8, [tmp_path]),
        ignored,
    )
    assert len({name_key(file.name) for file in saved.files}) == len(stems)
    words = {file.with_suffix(".txt").read_text(encoding="utf-8").strip() for file in saved.files}
    assert words == {f"of {stem}" for stem in stems}


@pytest.mark.skipif(sys.platform != "linux", reason="this system's names are text")
def test_names_that_are_no_text_are_told_and_all_others_used(tmp_path):
    for place in ("", "f\udce9/"):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / f"{place}caf\udce9.png").write_bytes(b"")
    found = loaded(tmp_path, ["line\nbreak.png", "wall.png"])
    assert names(found, tmp_path) == ["line\nbreak.png", "wall.png"]
    assert rejected_by_reason(found.rejected, tmp_path) == [f"{NO_TEXT}: caf\\udce9.png, f\\udce9/caf\\udce9.png"]
    with pytest.raises(InputError, match=r"only 1 other file \(caf\\udce9.png\).*\n.*no text"):
        load_folder(tmp_path / "f\udce9", Loading("any", [tmp_path], "auto"), ignored)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_and_links_in_a_circle_are_told_and_nothing_hangs(tmp_path):
    for name in ("pipe.png", "wall.txt", "metadata.jsonl", "manifest.json"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "round").symlink_to(".")
    found = loaded(tmp_path, ["wall.png"])
    assert [(sample.file.name, sample.caption) for sample in found.samples] == [("wall.png", "")]
    told = {one.file.name for one in found.rejected if "not an ordinary file or folder" in one.reason}
    assert told == {"pipe.png", "wall.txt", "metadata.jsonl", "manifest.json", "loop.png", "round"}


def test_a_gif_that_fills_a_part_of_its_canvas_is_told(tmp_path):
    whole = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(whole, format="GIF")
    content = bytearray(whole.getvalue())
    content[6:10] = struct.pack("<HH", 32, 24)  # the canvas
    found = loaded(tmp_path, [], {"wall.gif": bytes(content), "whole.gif": whole.getvalue()})
    assert [sample.size for sample in found.samples] == [(32, 24), (16, 16)]
    assert [(file.name, note.what) for file, note in found.notes] == [("wall.gif", PARTIAL)]
