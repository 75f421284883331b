"""Two ComfyUIs on one output folder that write under equal names: all is there as if one had come after the other."""

import json
import multiprocessing

import pytest
from PIL import Image
from tilewright.common.manifest import MaterialRecord, read_manifest
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.dataset.augment import Augmentation, augment_dataset
from tilewright.dataset.save import save_dataset
from tilewright.dataset.save_plan import HUGGING_FACE, KOHYA, Saving
from tilewright.dataset.written_files import read_written_files

COUNT, ROUNDS = 12, 3
COLORS = {"red": (200, 30, 30), "blue": (30, 30, 200)}


def renders(folder, color, own, large=()):
    """Pictures of one colour that say so; those that the other one has no namesakes of are called by the colour."""
    samples = []
    for number in range(COUNT):
        size = (1024, 1024) if number in large else (16, 16)
        name = f"{color if own else 'wall'}_{number:02}"
        file = folder / color / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, COLORS[color]).save(file)
        record = MaterialRecord(name, "wall", color, number, True, {"basecolor": file.name})
        samples.append(Sample(file, "basecolor", size, f"{color} wall", name, tileable=True, record=record))
    return TextureDataset(tuple(samples))


def save(folder, color, layout, own):
    dataset = renders(folder, color, own)
    for _ in range(ROUNDS):
        saving = Saving(layout, "wall", "append", 8, [folder / "out"])
        save_dataset(folder / "out" / "walls", {"train": dataset}, saving, lambda done, total: None)


def augment(folder, color, own):
    for seed in range(ROUNDS):
        augment_dataset(
            renders(folder, color, own), folder / "out" / "more", Augmentation(1), seed, lambda done, total: None
        )


def both(work, *arguments):
    workers = [multiprocessing.Process(target=work, args=(arguments[0], color, *arguments[1:])) for color in COLORS]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]


def captions(folder, layout):
    if layout == KOHYA:
        return {file.stem: file.read_text().strip() for file in folder.glob("*.txt")}
    lines = map(json.loads, (folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines())
    return {line["file_name"].removesuffix(".png"): line["text"] for line in lines}


def color_of(file):
    pixel = Image.open(file).convert("RGB").getpixel((0, 0))
    return next(name for name, color in COLORS.items() if color == pixel)


@pytest.mark.parametrize("layout", [KOHYA, HUGGING_FACE])
def test_datasets_of_other_names_are_both_there_with_all_that_is_known_of_them(tmp_path, layout):
    both(save, tmp_path, layout, True)
    (folder,) = {file.parent for file in (tmp_path / "out" / "walls").rglob("*.png")}
    names = sorted(f"{color}_{number:02}" for color in COLORS for number in range(COUNT))
    assert sorted(file.stem for file in folder.glob("*.png")) == names
    assert captions(folder, layout) == {name: f"{name.split('_')[0]} wall" for name in names}
    assert sorted(record.name for record in read_manifest(folder)) == names
    assert sorted(file.stem for file in read_written_files(tmp_path / "out" / "walls")) == names


@pytest.mark.parametrize("layout", [KOHYA, HUGGING_FACE])
def test_of_equal_names_each_picture_keeps_its_own_caption_and_parameters(tmp_path, layout):
    both(save, tmp_path, layout, False)
    (folder,) = {file.parent for file in (tmp_path / "out" / "walls").rglob("*.png")}
    colors = {file.stem: color_of(file) for file in folder.glob("*.png")}
    assert len(colors) == COUNT
    assert len(set(colors.values())) == 1  # one came after the other
    assert captions(folder, layout) == {name: f"{color} wall" for name, color in colors.items()}
    assert {record.name: record.label for record in read_manifest(folder)} == colors


def test_variations_of_both_are_listed(tmp_path):
    both(augment, tmp_path, True)
    written = sorted((tmp_path / "out" / "more").glob("*.png"))
    assert [file.stem for file in written] == sorted(f"{c}_{n:02}_v1" for c in COLORS for n in range(COUNT))
    assert sorted(read_written_files(tmp_path / "out" / "more")) == written


def test_a_run_that_is_stopped_leaves_pictures_with_their_own_captions(tmp_path):
    second_half = range(COUNT // 2, COUNT)  # large, so that not all are written before anyone can stop
    red, blue = (renders(tmp_path, color, False, large=second_half) for color in COLORS)
    saving = Saving(KOHYA, "wall", "keep", 8, [tmp_path / "out"])
    save_dataset(tmp_path / "out" / "walls", {"train": red}, saving, lambda done, total: None)

    def stop(done, total):
        if done == COUNT // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_dataset(tmp_path / "out" / "walls", {"train": blue}, saving, stop)
    folder = tmp_path / "out" / "walls" / "train" / "1_wall"
    colors = {file.stem: color_of(file) for file in folder.glob("*.png")}
    assert set(colors.values()) == set(COLORS)
    assert captions(folder, KOHYA) == {name: f"{color} wall" for name, color in colors.items()}
    assert {record.name: record.label for record in read_manifest(folder)} == colors
    save_dataset(tmp_path / "out" / "walls", {"train": blue}, saving, lambda done, total: None)
    assert set(captions(folder, KOHYA).values()) == {"blue wall"}
