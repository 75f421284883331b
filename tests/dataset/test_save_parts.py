"""Saving a dataset, part by part: where files go, and what becomes of the captions that are there."""

import json

import pytest
import torch
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.dataset.save import caption_files, save_dataset
from tilewright.dataset.save_plan import HUGGING_FACE, KOHYA, Saving, plan_files
from tilewright.dataset.saved_captions import Written, write_captions


def saving(layout, captions="keep", sync=False, roots=()):
    return Saving(layout, "wall", captions, 8, roots, sync)


def sample(folder, name, caption):
    write_png(folder / name, torch.full((3, 8, 8), 0.5))
    return Sample(folder / name, "basecolor", (8, 8), caption)


def test_images_of_one_name_get_numbers_and_parts_get_folders(tmp_path):
    samples = [sample(tmp_path / part, "wall.png", "") for part in "ab"]
    parts = {"train": TextureDataset(tuple(samples)), "validation": TextureDataset((samples[0],))}
    plans = plan_files(tmp_path / "out", parts, saving(KOHYA))
    assert [plan.target.relative_to(tmp_path / "out").as_posix() for plan in plans] == [
        "train/1_wall/wall.png", "train/1_wall/wall (2).png", "validation/1_wall/wall.png"
    ]  # fmt: skip
    flat = plan_files(tmp_path / "out", {"train": parts["validation"]}, saving(HUGGING_FACE))
    assert [plan.target for plan in flat] == [tmp_path / "out" / "train" / "wall.png"]


@pytest.mark.parametrize("layout", [KOHYA, HUGGING_FACE])
def test_captions_are_written_where_the_layout_wants_them(tmp_path, layout):
    dataset = TextureDataset((sample(tmp_path / "in", "wall.png", "red brick"),))
    how = saving(layout, roots=[tmp_path])
    plans = plan_files(tmp_path / "out", {"train": dataset}, how)
    write_png(plans[0].target, torch.zeros(3, 8, 8))
    assert write_captions([(plans[0], Written())], how, []) == {"written": 1}
    (file,) = caption_files([plans[0].target], layout)
    assert "red brick" in file.read_text(encoding="utf-8")
    assert file.name == ("wall.txt" if layout == KOHYA else "metadata.jsonl")


@pytest.mark.parametrize("change", ["overwrite", "sync", "another picture"])
def test_words_that_leave_metadata_stay_as_a_backup(tmp_path, change):
    first = TextureDataset(tuple(sample(tmp_path / "in", f"{name}.png", name) for name in ("wall", "floor")))
    folder = tmp_path / "out"

    def save(dataset, **how):
        save_dataset(folder, {"train": dataset}, saving(HUGGING_FACE, roots=[folder], **how), lambda done, total: None)

    save(first)
    metadata = folder / "train" / "metadata.jsonl"
    metadata.write_text(metadata.read_text().replace('"text": "wall"', '"text": "by hand"'))
    before = metadata.read_text()
    save(first)
    assert metadata.read_text() == before and not list(folder.rglob("*.bak"))  # nothing is lost
    if change == "overwrite":
        save(first, captions="overwrite")
    elif change == "sync":
        save(TextureDataset((first.samples[1],)), sync=True)
        names = [json.loads(line)["file_name"] for line in metadata.read_text().splitlines()]
        assert names == ["floor.png"]  # and no line for an image that is gone
    else:
        write_png(tmp_path / "other" / "wall.png", torch.ones(3, 8, 8))
        save(TextureDataset((Sample(tmp_path / "other" / "wall.png", "basecolor", (8, 8), "white"),)))
        assert '"text": "white"' in metadata.read_text()
    (backup,) = folder.rglob("*.bak")
    assert backup.read_text() == before
