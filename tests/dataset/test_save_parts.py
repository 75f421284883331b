"""Saving a dataset, part by part: where files go, and what becomes of the captions that are there."""

import json
from dataclasses import replace

import pytest
import torch
from tilewright.captions.captioning import REPLACE, caption_images
from tilewright.common.caption_files import keep_backup
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.dataset.load import Loading, load_folder
from tilewright.dataset.save import caption_files, save_dataset
from tilewright.dataset.save_plan import HUGGING_FACE, KOHYA, Saving, plan_files
from tilewright.dataset.saved_captions import Written, carried_caption, left_captions, write_captions
from tilewright.dataset.written_files import LIST_NAME, WrittenCaption, caption_digest, read_written_captions


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
    assert write_captions([(plans[0], Written())], how, [], keep_backup) == {"written": 1}
    (file,) = caption_files([plans[0].target], layout)
    assert "red brick" in file.read_text(encoding="utf-8")
    assert file.name == ("wall.txt" if layout == KOHYA else "metadata.jsonl")


@pytest.mark.parametrize("layout", [KOHYA, HUGGING_FACE])
@pytest.mark.parametrize("words_of_another", [False, True])
@pytest.mark.parametrize(("captions", "text"), [("keep", "by hand"), ("append", "by hand, red"), ("overwrite", "red")])
def test_a_caption_moves_with_its_picture_to_where_another_picture_lay(
    tmp_path, layout, words_of_another, captions, text
):
    """The other picture's words do not count as this one's, and this one's are kept as if they had stood there."""
    how = saving(layout, captions, roots=[tmp_path])
    (plan,) = plan_files(tmp_path / "out", {"train": TextureDataset((sample(tmp_path, "a.png", "red"),))}, how)
    plan = replace(plan, earlier=tmp_path / "before" / "a.png")
    write_png(plan.earlier, torch.zeros(3, 8, 8))
    plan.earlier.with_suffix(".txt").write_text("by hand")
    write_png(plan.target, torch.zeros(3, 8, 8))
    file = plan.target.with_suffix(".txt") if layout == KOHYA else plan.target.with_name("metadata.jsonl")
    if words_of_another:
        line = json.dumps({"file_name": plan.target.name, "text": "of another"})
        file.write_text("of another" if layout == KOHYA else line + "\n")
    write_captions([(plan, Written(same_picture=False))], how, [], keep_backup)
    written = file.read_text()
    assert (written.strip() if layout == KOHYA else json.loads(written)["text"]) == text
    backups = [backup.read_text() for backup in file.parent.glob("*.bak")]
    assert any("of another" in backup for backup in backups) == words_of_another


@pytest.mark.parametrize("change", ["overwrite", "sync", "another picture"])
def test_words_that_leave_metadata_stay_as_a_backup(tmp_path, change):
    first = TextureDataset(tuple(sample(tmp_path / "in", f"{name}.png", name) for name in ("wall", "floor")))
    folder = tmp_path / "out"

    def save(dataset, **how):
        how = saving(HUGGING_FACE, roots=[folder], **how)
        return save_dataset(folder, {"train": dataset}, how, lambda done, total: None)

    save(first)
    metadata = folder / "train" / "metadata.jsonl"
    metadata.write_text(metadata.read_text().replace('"text": "wall"', '"text": "by hand"'))
    before = metadata.read_text()
    assert save(first).backups == [] and metadata.read_text() == before  # nothing is lost
    assert not list(folder.rglob("*.bak"))
    if change == "overwrite":
        saved = save(first, captions="overwrite")
    elif change == "sync":
        saved = save(TextureDataset((first.samples[1],)), sync=True)
        names = [json.loads(line)["file_name"] for line in metadata.read_text().splitlines()]
        assert names == ["floor.png"]  # and no line for an image that is gone
    else:
        write_png(tmp_path / "other" / "wall.png", torch.ones(3, 8, 8))
        saved = save(TextureDataset((Sample(tmp_path / "other" / "wall.png", "basecolor", (8, 8), "white"),)))
        assert '"text": "white"' in metadata.read_text()
    (backup,) = folder.rglob("*.bak")
    assert backup.read_text() == before and saved.backups == [backup]


def test_lines_that_are_no_entries_and_words_that_go_are_one_backup(tmp_path):
    dataset, folder = TextureDataset((sample(tmp_path / "in", "wall.png", "wall"),)), tmp_path / "out"
    metadata = folder / "train" / "metadata.jsonl"
    metadata.parent.mkdir(parents=True)
    metadata.write_text('{"file_name": "wall.png", "text": "by hand"}\nno entry\n')
    how = saving(HUGGING_FACE, "overwrite", roots=[folder])
    saved = save_dataset(folder, {"train": dataset}, how, lambda done, total: None)
    (backup,) = folder.rglob("*.bak")
    assert saved.backups == [backup] and "no entry" in backup.read_text()
    assert save_dataset(folder, {"train": dataset}, how, lambda done, total: None).backups == []


def save_and_load(folder, dataset, layout, **how):
    save_dataset(folder, {"train": dataset}, saving(layout, roots=[folder], **how), lambda done, total: None)
    return load_folder(folder, Loading("basecolor", [folder], "auto"), lambda done, total: None).samples


@pytest.mark.parametrize("layout", [KOHYA, HUGGING_FACE])
@pytest.mark.parametrize("part", [".", "train"])
def test_a_caption_written_by_hand_in_the_graph_is_still_known_after_saving_and_loading(tmp_path, layout, part):
    by_hand = replace(sample(tmp_path / "in", "wall.png", "my  wall"), hand_edited=True)
    dataset = TextureDataset((by_hand, sample(tmp_path / "in", "floor.png", "a floor")))
    folder = tmp_path / "out"
    save_and_load(folder, dataset, layout)
    loading = Loading("basecolor", [tmp_path], "auto")
    loaded = load_folder(folder / part, loading, lambda done, total: None).samples
    assert {one.file.stem: one.hand_edited for one in loaded} == {"wall": True, "floor": False}
    captioned, _ = caption_images(
        TextureDataset(tuple(loaded)), lambda images: ["a model's" for _ in images], 2, REPLACE, lambda *_: None
    )
    assert dict(zip([one.file.stem for one in loaded], captioned.captions, strict=True))["wall"] == "my wall"


def test_words_of_another_tool_are_not_those_that_were_written_by_hand(tmp_path):
    dataset = TextureDataset((replace(sample(tmp_path / "in", "wall.png", "my wall"), hand_edited=True),))
    (loaded,) = save_and_load(tmp_path / "out", dataset, KOHYA)
    loaded.file.with_suffix(".txt").write_text("another tool's")
    (again,) = load_folder(tmp_path / "out", Loading("basecolor", [tmp_path], "auto"), lambda *_: None).samples
    assert loaded.hand_edited and not again.hand_edited


@pytest.mark.parametrize("layout", [KOHYA, HUGGING_FACE])
def test_a_save_again_leaves_no_second_copy_of_anything(tmp_path, layout):
    folder = tmp_path / "out"
    for repeats, caption in ((1, "red"), (5, "red"), (5, "blue"), (2, "green")):
        (loaded,) = save_and_load(
            folder,
            TextureDataset((replace(sample(tmp_path / "in", "wall.png", caption), repeats=repeats),)),
            layout,
            captions="overwrite",
        )
        assert loaded.caption == caption
    words = "wall.txt" if layout == KOHYA else "metadata.jsonl"
    there = {path.name for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")}
    assert there == {"wall.png", words, LIST_NAME}
    assert len(list(folder.rglob("*.png"))) == 1


def test_what_a_person_wrote_is_never_overwritten_without_a_copy(tmp_path):
    folder, by_hand = tmp_path / "out", replace(sample(tmp_path / "in", "wall.png", "mine"), hand_edited=True)
    save_and_load(folder, TextureDataset((by_hand,)), KOHYA)
    save_and_load(folder, TextureDataset((sample(tmp_path / "in", "wall.png", "new"),)), KOHYA, captions="overwrite")
    (backup,) = folder.rglob("*.bak")
    assert backup.read_text().strip() == "mine"


def test_own_words_are_known_and_go_along(tmp_path):
    own = TextureDataset((sample(tmp_path / "in", "wall.png", "red  brick"),))
    (loaded,) = save_and_load(tmp_path / "out", own, KOHYA)
    assert read_written_captions(tmp_path / "out") == {loaded.file: WrittenCaption(caption_digest("red brick"))}
    (plan,) = plan_files(
        tmp_path / "out", {"train": TextureDataset((replace(own.samples[0], repeats=2),))}, saving(KOHYA)
    )
    assert plan.own_words == caption_digest("red brick") and carried_caption(plan) == "red  brick"
    loaded.file.with_suffix(".txt").write_text("by hand")
    (kept,) = plan_files(tmp_path / "out", {"train": own}, saving(KOHYA))
    assert left_captions([(kept, Written())], KOHYA) == {}
