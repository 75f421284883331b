import json
import os
import weakref

import cv2
import folder_paths
import numpy as np
import pytest
import torch
from PIL import Image
from tilewright.common.errors import InputError
from tilewright.common.manifest import MaterialRecord, write_manifest
from tilewright.common.map_files import read_map_with_notes
from tilewright.dataset import load
from tilewright.dataset.parallel import THREADS
from tilewright.nodes.dataset.load import LINKED, LoadDataset


@pytest.fixture
def allowed(tmp_path, monkeypatch):
    """ComfyUI's input folder, which is allowed, inside a folder which is not."""
    folder = tmp_path / "input"
    folder.mkdir()
    monkeypatch.setattr(folder_paths, "input_directory", str(folder))
    return folder


def picture(path, size=(8, 6), color=(120, 60, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


def names(dataset):
    return [sample.file.name for sample in dataset.samples]


def test_a_folder_becomes_a_dataset_in_natural_order_with_its_captions(allowed):
    for number in (1, 2, 10):
        picture(allowed / "walls" / f"wall_{number}.png")
    (allowed / "walls" / "wall_2.txt").write_text("a wall,\nof bricks\n", encoding="utf-8")
    dataset, images, captions, report = LoadDataset.execute("walls", "basecolor")
    assert names(dataset) == ["wall_1.png", "wall_2.png", "wall_10.png"]
    assert captions == dataset.captions == ["", "a wall, of bricks", ""]
    assert dataset.samples[0].size == (8, 6)
    assert [image.shape for image in images] == [(1, 6, 8, 3)] * 3
    assert images[0][0, 0, 0].tolist() == pytest.approx([120 / 255, 60 / 255, 30 / 255])
    assert report.startswith("3 images from")


def test_a_damaged_image_is_named_and_skipped(allowed):
    picture(allowed / "good.png")
    whole = picture(allowed / "broken.png", (200, 200)).read_bytes()
    (allowed / "broken.png").write_bytes(whole[: len(whole) // 2])
    (allowed / "notes.psd").write_bytes(b"8BPS")
    dataset, _, _, report = LoadDataset.execute(".", "basecolor")
    assert names(dataset) == ["good.png"]
    assert "2 files left out" in report
    assert any("damaged or incomplete" in line and line.endswith("broken.png") for line in report.splitlines())
    assert any("not an image" in line and line.endswith("notes.psd") for line in report.splitlines())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "is empty"),
        ({"readme.txt": b"hello", "more.txt": b"hello"}, "no image that Tilewright reads"),
        ({"a.png": b"hello", "b.png": b""}, "None of the 2 images"),
    ],
)
def test_a_folder_with_nothing_to_load_says_so(allowed, files, message):
    for name, content in files.items():
        (allowed / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        LoadDataset.execute(".", "basecolor")


def test_a_missing_map_is_told_with_those_that_are_there(allowed):
    picture(allowed / "wall_albedo.png")
    with pytest.raises(InputError, match="no height map.*holds: 1 basecolor"):
        LoadDataset.execute(".", "height")


@pytest.mark.parametrize("folder", ["../secret", "/etc", "..", "C:\\Windows", "\\\\server\\share", "a/../../secret"])
def test_a_folder_outside_is_refused_before_the_run(allowed, folder):
    picture(allowed.parent / "secret" / "a.png")
    assert "outside the folders" in LoadDataset.validate_inputs(folder)
    with pytest.raises(InputError, match="outside the folders"):
        LoadDataset.execute(folder, "basecolor")
    with pytest.raises(InputError, match="The regularisation folder is.*outside the folders"):
        LoadDataset.execute(".", "basecolor", folder)


def test_links_that_lead_outside_are_not_followed(allowed):
    secret = picture(allowed.parent / "secret" / "a.png")
    (secret.parent / "a.txt").write_text("secret words", encoding="utf-8")
    picture(allowed / "mine.png")
    os.symlink(secret, allowed / "link.png")
    os.symlink(secret.parent / "a.txt", allowed / "mine.txt")
    os.symlink(secret.parent, allowed / "linked_folder")
    dataset, _, captions, report = LoadDataset.execute(".", "basecolor")
    assert names(dataset) == ["mine.png"]
    assert captions == [""]
    assert "leads outside" in report
    assert any("not followed" in line and line.endswith("linked_folder") for line in report.splitlines())
    assert "linked_folder" in LoadDataset.validate_inputs("linked_folder")


def test_maps_are_told_by_name_and_grouped_by_material(allowed):
    for name in [
        "rock_albedo.jpg",
        "rock_nor_gl.png",
        "rock_nor_dx.png",
        "sub/sand_d.png",
        "sub/sand_n.png",
        "rock_arm.png",
    ]:
        picture(allowed / name)
    dataset, _, _, report = LoadDataset.execute(".", "any")
    assert {(sample.material, sample.map, sample.convention) for sample in dataset.samples} == {
        ("rock", "basecolor", ""),
        ("rock", "normal", "OpenGL"),
        ("sub/sand", "basecolor", ""),
        ("sub/sand", "normal", ""),
    }
    assert "packed map" in report
    assert "DirectX" in report


def test_the_manifest_knows_better_than_names(allowed):
    picture(allowed / "odd_normal.png")
    record = MaterialRecord("wall_1", "bricks", "brick wall", 1, tileable=True, maps={"height": "odd_normal.png"})
    write_manifest(allowed, {"name": "test"}, [record])
    (sample,) = LoadDataset.execute(".", "height")[0].samples
    assert (sample.material, sample.map, sample.tileable, sample.record) == ("wall_1", "height", True, record)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b'{"format": "tilewright-manifest", "version": 1}'])
def test_a_broken_manifest_is_named_and_names_decide(allowed, content):
    picture(allowed / "wall_height.png")
    (allowed / "manifest.json").write_bytes(content)
    dataset, _, _, report = LoadDataset.execute(".", "height")
    assert names(dataset) == ["wall_height.png"]
    assert "manifest.json" in report


def test_captions_from_every_source(allowed):
    for name in ["a", "b_height", "c", "d"]:
        picture(allowed / f"{name}.png")
    (allowed / "a.txt").write_bytes("﻿von Hand, ändern".encode())
    (allowed / "a.caption").write_text("second choice", encoding="utf-8")
    (allowed / "b.txt").write_text("its material's", encoding="utf-8")
    (allowed / "c.txt").write_bytes(b"\xff\xfe\x00")
    entries = [{"file_name": "c.png", "text": "from metadata"}, {"text": "of no file"}]
    (allowed / "metadata.jsonl").write_text("\n".join(map(json.dumps, entries)) + "\nnot json", encoding="utf-8")
    _, _, captions, report = LoadDataset.execute(".", "any")
    assert captions == ["von Hand, ändern", "its material's", "from metadata", ""]
    assert "line 2 is not an entry" in report
    assert "line 3 is not an entry" in report
    assert "not UTF-8" in report
    assert LoadDataset.execute(".", "any", caption_extension=".caption")[2] == ["second choice", "", "", ""]
    assert LoadDataset.execute(".", "any", caption_extension="none")[2] == [""] * 4


def test_kohya_folders_give_repeats_and_a_caption(allowed):
    picture(allowed / "10_twbricks wall" / "a.png")
    picture(allowed / "2024_renders" / "b.png")
    dataset = LoadDataset.execute(".", "basecolor", repeats=3)[0]
    assert [(sample.repeats, sample.caption) for sample in dataset.samples] == [(30, "twbricks wall"), (3, "")]


def test_a_second_folder_regularises(allowed):
    picture(allowed / "train" / "a.png")
    picture(allowed / "ordinary" / "b.png")
    dataset, *_, report = LoadDataset.execute("train", "basecolor", "ordinary")
    assert [(sample.file.name, sample.regularisation) for sample in dataset.samples] == [
        ("a.png", False),
        ("b.png", True),
    ]
    assert "1 regularisation image" in report


def test_transparency_is_laid_over_the_background(allowed):
    picture = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
    picture.putpixel((1, 1), (255, 0, 0, 255))
    picture.save(allowed / "a.png")
    dataset, images, *_ = LoadDataset.execute(".", "basecolor", background="#336699")
    assert dataset.background == (0.2, 0.4, 0.6)
    assert images[0][0, 0, 0].tolist() == pytest.approx([0.2, 0.4, 0.6])


def test_16_bit_heights_arrive_exactly(allowed):
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    cv2.imwrite(str(allowed / "a_height.png"), pixels)
    images = LoadDataset.execute(".", "height")[1]
    assert torch.equal(images[0][0, ..., 1], torch.from_numpy(pixels.astype(np.float32) / np.float32(65535)))


def test_decoded_images_are_let_go_at_once(allowed, monkeypatch):
    for number in range(40):
        picture(allowed / f"{number}.png")
    alive, most = set(), []

    def counted_read(path, kind, reading):
        image, notes = read_map_with_notes(path, kind, reading)
        alive.add(path)
        weakref.finalize(image, alive.discard, path)
        most.append(len(alive))
        return image, notes

    monkeypatch.setattr(load, "read_map_with_notes", counted_read)
    dataset, images, captions, report = LoadDataset.execute(".", "basecolor", image_limit=2)
    assert (len(dataset), len(images), len(captions), len(most)) == (40, 2, 40, 40)
    assert max(most) <= 2 * THREADS + 2
    assert "holds the first 2" in report


def test_it_runs_again_when_a_file_changes_and_only_then(allowed):
    LINKED.forget()
    path = picture(allowed / "walls" / "a.png")
    first = LoadDataset.fingerprint_inputs("walls", map="basecolor")
    assert LoadDataset.fingerprint_inputs("walls", map="basecolor") == first
    os.utime(path, ns=(1, 1))
    touched = LoadDataset.fingerprint_inputs("walls", map="basecolor")
    (allowed / "walls" / "a.txt").write_text("words", encoding="utf-8")
    assert len({str(first), str(touched), str(LoadDataset.fingerprint_inputs("walls", map="basecolor"))}) == 3
    assert LoadDataset.fingerprint_inputs(None, map="basecolor") == []


def test_files_that_did_not_change_are_not_decoded_again(allowed, monkeypatch):
    paths = [picture(allowed / f"{number}.png") for number in range(5)]
    LoadDataset.execute(".", "basecolor", image_limit=0)
    decoded = []

    def counted_read(path, kind, reading):
        decoded.append(path)
        return read_map_with_notes(path, kind, reading)

    monkeypatch.setattr(load, "read_map_with_notes", counted_read)
    assert len(LoadDataset.execute(".", "basecolor", image_limit=0)[0]) == 5
    assert decoded == []
    os.utime(paths[3], ns=(1, 1))
    LoadDataset.execute(".", "basecolor", image_limit=0)
    assert decoded == [paths[3]]


def test_a_linked_folder_is_looked_at_too(allowed):
    """ComfyUI does not say what a linked input is: what was read is remembered."""
    LINKED.forget()
    picture(allowed / "walls" / "a.png")
    before = LoadDataset.fingerprint_inputs(None)
    LoadDataset.execute("walls", "basecolor")
    assert LoadDataset.fingerprint_inputs(None) == before
    (allowed / "walls" / "a.txt").write_text("red brick", encoding="utf-8")
    after = LoadDataset.fingerprint_inputs(None)
    assert after != before
    LoadDataset.execute("walls", "basecolor")
    assert LoadDataset.fingerprint_inputs(None) == after


def test_what_is_odd_is_in_the_report(allowed):
    """The cases that users of such tools stumble over, each named."""
    picture(allowed / "wall.png")
    picture(allowed / "IMG_0001.png")
    (allowed / "IMG_0001.TXT").write_text("photograph", encoding="utf-8")
    (allowed / "wall.png.txt").write_text("painting", encoding="utf-8")
    (allowed / "rock.txt").write_text("of no image", encoding="utf-8")
    picture(allowed / "plain.png")
    import tifffile

    tifffile.imwrite(allowed / "wide.tif", np.full((8, 8, 3), 255.0, np.float32), photometric="rgb")
    tifffile.imwrite(allowed / "nan.tif", np.full((8, 8, 3), np.nan, np.float32), photometric="rgb")
    dataset, _, captions, report = LoadDataset.execute(".", "basecolor")
    assert captions == ["photograph", "", "painting", ""]
    for told in (
        "2 images have no caption.",
        "1 caption file belongs to no image.",
        "1 image was left out for NaN or Inf.",
        "1 image is clipped to 0..1.",
        "wide.tif (255 to 255)",
        "a caption file that belongs to no image: rock.txt",
        "64 of its 64 pixels are no numbers",
    ):
        assert told in report
    assert len(dataset.findings.not_finite) == 1
