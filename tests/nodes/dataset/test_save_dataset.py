import json

import cv2
import folder_paths
import numpy as np
import pytest
import torch
from PIL import Image
from tilewright.common.errors import InputError
from tilewright.common.images import read_image
from tilewright.common.manifest import MaterialRecord
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.nodes.dataset.load import LoadDataset
from tilewright.nodes.dataset.save import WRITTEN, SaveDataset


@pytest.fixture
def output(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path / "output"))
    return tmp_path / "output" / "datasets"


def sample(folder, name, caption="brick wall", **details):
    folder.mkdir(exist_ok=True)
    Image.new("RGBA", (4, 3), (200, 100, 50, 255)).save(folder / name)
    return Sample(folder / name, details.pop("map", "basecolor"), (4, 3), caption, **details)


def test_the_layout_of_kohyas_trainers(output, tmp_path):
    mine = sample(tmp_path / "in", "a.webp", repeats=5)
    ordinary = sample(tmp_path / "in", "b.png", "a wall", regularisation=True)
    dataset = TextureDataset((mine, ordinary))
    folder, report = SaveDataset.execute(dataset, "walls", "kohya", "twbricks wall")
    assert folder == str(output / "walls")
    files = sorted(path.relative_to(output / "walls").as_posix() for path in (output / "walls").rglob("*.*"))
    assert files == [
        "train/5_twbricks wall/a.png",
        "train/5_twbricks wall/a.txt",
        "train_regularisation/1_twbricks wall/b.png",
        "train_regularisation/1_twbricks wall/b.txt",
    ]
    assert read_image(output / "walls/train/5_twbricks wall/a.png").shape == (3, 3, 4)
    assert "2 images written" in report

    loaded = LoadDataset.execute("datasets/walls/train", "basecolor", "datasets/walls/train_regularisation")[0]
    assert [(one.caption, one.repeats, one.regularisation) for one in loaded.samples] == [
        ("brick wall", 5, False),
        ("a wall", 1, True),
    ]


def test_the_layout_of_hugging_face_with_a_validation_part(output, tmp_path):
    train = TextureDataset((sample(tmp_path / "in", "a.png", "Mauer, 煉瓦", material="a", tileable=True),))
    held = TextureDataset((sample(tmp_path / "in", "b.png", "floor"),))
    SaveDataset.execute(train, "walls", "Hugging Face", validation=held)
    (line,) = (output / "walls/train/metadata.jsonl").read_text(encoding="utf-8").splitlines()
    entry = {"map": "basecolor", "material": "a", "tileable": True, "repeats": 1}
    assert json.loads(line) == {"file_name": "a.png", "text": "Mauer, 煉瓦", **entry}
    assert LoadDataset.execute("datasets/walls", "any")[2] == ["Mauer, 煉瓦", "floor"]


@pytest.mark.parametrize("layout", ["kohya", "Hugging Face"])
@pytest.mark.parametrize(
    ("mode", "text"), [("keep", "by hand"), ("append", "by hand, brick wall"), ("overwrite", "brick wall")]
)
def test_captions_written_by_hand_stay_unless_told(output, tmp_path, layout, mode, text):
    dataset = TextureDataset((sample(tmp_path / "in", "a.png", "by hand"),))
    SaveDataset.execute(dataset, "walls", layout)
    SaveDataset.execute(dataset.with_captions(lambda _: "brick wall"), "walls", layout, captions=mode)
    assert LoadDataset.execute("datasets/walls", "any")[2] == [text]


def test_images_of_the_same_name_get_numbers(output, tmp_path):
    same = [sample(tmp_path / folder, "a.png") for folder in ("x", "y")]
    SaveDataset.execute(TextureDataset(tuple(same)), "walls", "kohya")
    assert sorted(path.name for path in output.rglob("*.png")) == ["a (2).png", "a.png"]


def test_data_maps_keep_16_bits_when_asked(output, tmp_path):
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    cv2.imwrite(str(tmp_path / "h.png"), pixels)
    dataset = TextureDataset((Sample(tmp_path / "h.png", "height", (4, 3)),))
    SaveDataset.execute(dataset, "walls", "Hugging Face", bit_depth="16")
    written = read_image(output / "walls/train/h.png")
    assert torch.equal(written[0], torch.from_numpy(pixels.astype(np.float32) / np.float32(65535)))


def test_what_is_known_of_renders_goes_with_them(output, tmp_path):
    record = MaterialRecord("wall_1", "bricks", "brick wall", 1, True, {"basecolor": "a.png", "height": "h.png"})
    one = sample(tmp_path / "in", "a.png", material="wall_1", record=record, tileable=True)
    SaveDataset.execute(TextureDataset((one,)), "walls", "kohya")
    (loaded,) = LoadDataset.execute("datasets/walls", "basecolor")[0].samples
    assert (loaded.record.label, loaded.tileable, dict(loaded.record.maps)) == (
        "brick wall",
        True,
        {"basecolor": "a.png"},
    )


def test_files_of_an_earlier_dataset_are_pointed_out(output, tmp_path):
    SaveDataset.execute(TextureDataset((sample(tmp_path / "in", "old.png"),)), "walls", "kohya")
    report = SaveDataset.execute(TextureDataset((sample(tmp_path / "in", "new.png"),)), "walls", "kohya")[1]
    assert "1 other image in" in report and "old.png" in report


def test_a_dataset_is_not_written_over_itself(output, tmp_path):
    SaveDataset.execute(TextureDataset((sample(tmp_path / "in", "a.png"),)), "walls", "kohya")
    with pytest.raises(InputError, match="under another name"):
        SaveDataset.execute(LoadDataset.execute("datasets/walls", "any")[0], "walls", "Hugging Face")


def test_a_link_in_the_folder_does_not_lead_outside(output, tmp_path):
    (output / "walls").mkdir(parents=True)
    (output / "walls" / "train").symlink_to(tmp_path)
    with pytest.raises(InputError, match="a link that leads out"):
        SaveDataset.execute(TextureDataset((sample(tmp_path / "in", "a.png"),)), "walls", "kohya")


@pytest.mark.parametrize("name", ["../walls", "/tmp/walls", "C:\\walls", "a/b", "", "con", "walls."])
def test_folder_and_concept_are_plain_names(name, output, tmp_path):
    assert "cannot name a file or folder" in SaveDataset.validate_inputs(name)
    dataset = TextureDataset((sample(tmp_path / "in", "a.png"),))
    with pytest.raises(InputError, match="The concept is"):
        SaveDataset.execute(dataset, "walls", "kohya", name)
    assert not output.exists()


def load(folder):
    return LoadDataset.execute(folder, "any")[0]


def colored(path, color, caption):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), color).save(path)
    path.with_suffix(".txt").write_text(caption, encoding="utf-8")


@pytest.fixture
def two_walls(output):
    source = output.parent / "source"
    colored(source / "a" / "wall.png", "red", "red wall")
    colored(source / "b" / "wall.png", "blue", "blue wall")
    return source


def captions_by_color(folder):
    """Red pictures have the captions ..., blue ones ..."""
    pairs = [(read_image(one.file)[:, 0, 0].tolist(), one.caption) for one in load(folder).samples]
    return sorted(("red" if color[0] > color[2] else "blue", caption) for color, caption in pairs)


@pytest.mark.parametrize("layout", ["kohya", "Hugging Face"])
@pytest.mark.parametrize("sync", [False, True])
def test_a_kept_caption_belongs_to_its_picture(output, two_walls, layout, sync):
    SaveDataset.execute(load("source"), "x", layout)
    (two_walls / "a" / "wall.png").unlink()
    (two_walls / "a" / "wall.txt").unlink()
    report = SaveDataset.execute(load("source"), "x", layout, sync=sync)[1]
    expected = [("blue", "blue wall")] if sync else [("blue", "blue wall"), ("red", "red wall")]
    assert captions_by_color("datasets/x/train") == expected
    assert ("file of an earlier save removed" in report) == sync
    assert ("in the same folders, which would be trained too" in report) != sync


@pytest.mark.parametrize("layout", ["kohya", "Hugging Face"])
def test_a_picture_under_the_name_of_another_takes_no_caption_from_it(output, two_walls, layout):
    """The whole source moves: every path is another, and so is the order of the two walls."""
    SaveDataset.execute(load("source"), "x", layout)
    two_walls.rename(output.parent / "moved")
    moved = output.parent / "moved"
    (moved / "a").rename(moved / "c")
    SaveDataset.execute(load("moved"), "x", layout)
    assert captions_by_color("datasets/x/train") == [("blue", "blue wall"), ("red", "red wall")]


def test_a_caption_by_hand_moves_with_its_picture_and_no_second_copy_stays(output, two_walls):
    SaveDataset.execute(load("source"), "x", "kohya", "wall")
    (output / "x/train/1_wall/wall.txt").write_text("by hand", encoding="utf-8")
    again = LoadDataset.execute("source", "any", repeats=5)[0]
    report = SaveDataset.execute(again, "x", "kohya", "wall")[1]
    assert sorted(path.name for path in output.rglob("*.png")) == ["wall (2).png", "wall.png"]
    assert (output / "x/train/5_wall/wall.txt").read_text(encoding="utf-8").strip() == "by hand"
    assert "2 files of an earlier save removed" in report


def test_an_image_that_was_painted_over_since_stays(output, two_walls):
    SaveDataset.execute(load("source"), "x", "kohya", "wall")
    Image.new("RGB", (8, 8), "green").save(output / "x/train/1_wall/wall.png")
    again = LoadDataset.execute("source", "any", repeats=5)[0]
    report = SaveDataset.execute(again, "x", "kohya", "wall")[1]
    assert (output / "x/train/1_wall/wall.png").is_file()
    assert "1 other image in the same folders" in report


def test_outputs_that_were_deleted_are_written_again(output, two_walls):
    WRITTEN.forget()
    dataset = load("source")
    before = SaveDataset.fingerprint_inputs(folder="gone", layout="kohya")
    SaveDataset.execute(dataset, "gone", "kohya")
    assert SaveDataset.fingerprint_inputs(folder="gone", layout="kohya") == before
    next(output.rglob("*.png")).unlink()
    after = SaveDataset.fingerprint_inputs(folder="gone", layout="kohya")
    assert after != before
    SaveDataset.execute(dataset, "gone", "kohya")
    assert SaveDataset.fingerprint_inputs(folder="gone", layout="kohya") == after


def test_a_caption_file_that_cannot_be_read_is_never_destroyed(output, two_walls):
    SaveDataset.execute(load("source"), "x", "kohya", "wall")
    caption = output / "x/train/1_wall/wall.txt"
    caption.write_bytes("Ziegel, naß".encode("windows-1252"))
    for mode in ("keep", "append"):
        report = SaveDataset.execute(load("source"), "x", "kohya", "wall", captions=mode)[1]
        assert caption.read_bytes() == "Ziegel, naß".encode("windows-1252")
        assert "1 unreadable" in report
    SaveDataset.execute(load("source"), "x", "kohya", "wall", captions="overwrite")
    assert caption.with_name("wall.txt.bak").read_bytes() == "Ziegel, naß".encode("windows-1252")


def test_long_names_that_need_a_number_still_fit(output, tmp_path):
    name = "煉" * 83 + ".png"  # 253 bytes
    same = [sample(tmp_path / folder, name) for folder in ("x", "y")]
    SaveDataset.execute(TextureDataset(tuple(same)), "walls", "kohya")
    assert len(list(output.rglob("*.png"))) == 2
