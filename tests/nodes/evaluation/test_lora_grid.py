"""A grid's pictures are those of Load LoRA and KSampler, whatever order they are painted in and however often."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import comfy.model_management
import comfy.utils
import folder_paths
import pytest
import small_grids
import torch
from tilewright.common.errors import InputError
from tilewright.common.image_writing import quantise
from tilewright.evaluation.grid import Sampling
from tilewright.host import painting
from tilewright.host.lora_files import read_lora, with_lora_file
from tilewright.host.painting import Painter, encode_texts
from tilewright.nodes.evaluation import LoraGridNode
from tilewright.nodes.seamless import SeamlessModel

import nodes

pytest_plugins = ["small_grids"]
pytestmark = pytest.mark.slow


@torch.inference_mode()
def painted_by_the_host(grids, strength, prompt, seed, sampler="dpmpp_2m", scheduler="karras"):
    """(3, H, W) of Load LoRA, CLIP Text Encode, Empty Latent Image, KSampler and VAE Decode."""
    model, clip = nodes.LoraLoader().load_lora(grids.model, grids.clip, "bricks.safetensors", strength, strength)
    positive, negative = (nodes.CLIPTextEncode().encode(clip, text)[0] for text in (prompt, ""))
    latent = nodes.EmptyLatentImage().generate(64, 64)[0]
    samples = nodes.common_ksampler(model, seed, 2, 3.0, sampler, scheduler, positive, negative, latent)[0]
    return nodes.VAEDecode().decode(grids.vae, samples)[0][0].movedim(-1, 0)


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "euler_ancestral", "uni_pc"])
@pytest.mark.parametrize("strength", [0.0, 0.7])
def test_a_picture_is_that_of_load_lora_and_ksampler_bit_for_bit(grids, sampler, strength):
    sampling = Sampling(2, 3.0, sampler, "karras", 64, 64)
    with torch.inference_mode():
        model, clip = with_lora_file(grids.model, grids.clip, read_lora("bricks.safetensors"), strength)
        texts = encode_texts(clip, ["weave of reed", ""])
        ((_, pictures),) = Painter(grids.vae, sampling, 1, lambda *_: None).paint(model, texts[:1], texts[1], [(0, 7)])
    assert torch.equal(pictures[0].movedim(-1, 0), painted_by_the_host(grids, strength, "weave of reed", 7, sampler))


def test_every_cell_of_a_grid_is_what_its_labels_say(grids):
    painted = grids.paint(strengths="0.5 1", batch_size=1)
    for cell in painted.grid.cells:
        pictures = painted.grid.pictures(cell)
        for number, (prompt, seed) in enumerate((p, s) for p in painted.grid.prompts for s in painted.grid.seeds):
            host = painted_by_the_host(grids, cell.strength, prompt, seed)
            assert torch.equal(quantise(pictures[number], 8), quantise(host, 8))


def test_batches_differ_from_single_pictures_in_the_last_bits_only(grids):
    single, batched = (grids.paint(name=name, batch_size=size) for name, size in (("one", 1), ("many", 0)))
    assert (single.images - batched.images).abs().max() <= 2 / 255


def test_the_base_is_painted_once_and_its_settings_stand_beside_each_picture(grids):
    grids.write_lora("bricks-step00000020", seed=2)
    painted = grids.paint(strengths="0 0.5 1")
    assert [str(cell) for cell in painted.grid.cells] == ["no LoRA", "20@0.5", "20@1", "50@0.5", "50@1"]
    assert len(painted.images) == 5 * 4
    record = json.loads(painted.grid.files[painted.grid.cells[1]][3].with_suffix(".json").read_text())
    given = {"lora": "bricks-step00000020.safetensors", "strength": 0.5, "prompt": "weave of reed", "seed": 2}
    assert given.items() <= record.items()
    assert record["step"] == 20 and record["steps"] == 2


def test_a_grid_that_is_there_is_not_painted_again_and_one_that_grows_paints_what_is_new(grids):
    first = grids.paint()
    again = grids.paint()
    assert "8 painted" in first.report and "0 painted" in again.report and "8 from before" in again.report
    assert torch.equal(first.images, again.images)
    assert "4 painted" in grids.paint(seeds="1 2 3").report
    assert "12 painted" in grids.paint(steps=3, seeds="1 2 3").report


def test_another_file_of_the_same_name_and_another_model_are_noticed(grids):
    grids.paint()
    grids.write_lora("bricks", seed=9, steps=50)
    assert "4 painted" in grids.paint().report
    (seamless,) = SeamlessModel.execute(grids.model, "both", 0.0, 1.0, False).result
    assert "8 painted" in grids.paint(model=seamless).report
    (rolled,) = SeamlessModel.execute(grids.model, "both", 0.0, 1.0, True).result
    assert "8 painted" in grids.paint(model=rolled).report
    assert "0 painted" in grids.paint(model=rolled).report


def test_the_model_is_left_as_it_was(grids):
    before = painted_by_the_host(grids, 0.0, "brick wall", 1)
    grids.paint()
    assert torch.equal(painted_by_the_host(grids, 0.0, "brick wall", 1), before)


def test_a_cancelled_grid_keeps_its_cells_and_goes_on_to_the_same_pictures(grids, monkeypatch):
    whole = grids.paint(name="whole", strengths="0 0.5 1")

    def cancelled_after_two_cells():
        if len(grids.pictures()) >= 8:
            raise comfy.model_management.InterruptProcessingException

    with monkeypatch.context() as cancelling:
        check = "throw_exception_if_processing_interrupted"
        cancelling.setattr(comfy.model_management, check, cancelled_after_two_cells)
        with pytest.raises(comfy.model_management.InterruptProcessingException):
            grids.paint(strengths="0 0.5 1")
    assert len(grids.pictures()) == 8
    resumed = grids.paint(strengths="0 0.5 1")
    assert "4 painted" in resumed.report and "8 from before" in resumed.report
    assert torch.equal(resumed.images, whole.images)


def test_a_killed_grid_goes_on_to_the_same_pictures(grids):
    folder = grids.folder / "killed"
    shutil.copytree(grids.folder / "loras", folder / "loras")
    process = subprocess.Popen([sys.executable, str(Path(small_grids.__file__)), str(folder)])
    painted = folder / "output" / "grids" / "grid"
    while len(list(painted.rglob("*.json"))) < 6 and process.poll() is None:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert process.returncode != 0, "it was still painting"
    before = len(list(painted.rglob("*.json")))
    whole = grids.paint(**small_grids.TO_BE_KILLED)
    folder_paths.output_directory = str(folder / "output")
    resumed = grids.paint(**small_grids.TO_BE_KILLED)
    assert f"{before} from before" in resumed.report and 6 <= before < len(whole.images)
    assert torch.equal(resumed.images, whole.images)


def test_too_little_memory_halves_the_batch(grids, monkeypatch):
    whole = grids.paint(name="whole")
    sizes, sample = [], painting.comfy.sample.sample

    def short_of_memory(model, noise, *args, **kwargs):
        sizes.append(len(noise))
        if len(noise) > 2:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return sample(model, noise, *args, **kwargs)

    monkeypatch.setattr(painting.comfy.sample, "sample", short_of_memory)
    painted = grids.paint()
    assert sizes == [4, 2, 2, 2, 2]
    assert "2 pictures at once" in painted.report
    assert (painted.images - whole.images).abs().max() <= 2 / 255


def test_memory_too_small_for_one_picture_is_told(grids, monkeypatch):
    def out_of_memory(*_args, **_kwargs):
        raise torch.cuda.OutOfMemoryError("out of memory")

    monkeypatch.setattr(painting.comfy.sample, "sample", out_of_memory)
    with pytest.raises(InputError, match="single picture"):
        grids.paint()


def test_one_bar_goes_from_start_to_end(grids, monkeypatch):
    seen = []
    monkeypatch.setattr(
        comfy.utils.ProgressBar, "update_absolute", lambda _, value, total, preview=None: seen.append((value, total))
    )
    grids.paint()
    assert seen == sorted(seen) and seen[-1] == (16, 16)


def test_captions_of_a_dataset_are_prompts(grids):
    dataset = grids.dataset("held_out", torch.rand(2, 3, 64, 64), ["terrazzo", "planks"])
    assert grids.paint(dataset=dataset, prompts="brick wall\nplanks").grid.prompts == (
        "terrazzo",
        "planks",
        "brick wall",
    )


def test_the_sheet_has_its_labels_outside_the_pictures(grids):
    painted = grids.paint(thumbnail=64)
    sheet, cell = painted.sheet[0], painted.grid.pictures(painted.grid.cells[0])
    shown = [cell[0], cell[3]]
    found = [next_place(sheet, picture) for picture in shown]
    assert all(found), "every picture stands on the sheet, whole"
    tiled = grids.paint(thumbnail=64, tiled=True).sheet[0]
    assert tiled.shape == sheet.shape and not torch.equal(tiled, sheet)


def next_place(sheet, picture):
    """Whether the picture stands somewhere on the sheet (H, W, 3), pixel for pixel."""
    pixels = picture.movedim(0, -1)
    places = ((sheet - pixels[0, 0]).abs().amax(-1) < 1e-6).nonzero().tolist()
    return any(
        y + 64 <= sheet.shape[0] and x + 64 <= sheet.shape[1] and torch.allclose(sheet[y : y + 64, x : x + 64], pixels)
        for y, x in places
    )


def test_prescreening_paints_the_cells_that_win_most_of_the_loss(grids):
    grids.write_lora("bricks-step00000020", seed=2, size=2.0)
    renders = [grids.dataset(name, torch.rand(2, 3, 64, 64), ["a", "b"]) for name in ("train", "held")]
    painted = grids.paint(strengths="0.1 1", prescreen=2, training=renders[0], dataset=renders[1])
    assert len(painted.grid.cells) == 3 and len(painted.grid.transfers) == 4
    worst = max(painted.grid.transfers, key=lambda cell: -painted.grid.transfers[cell].gain)
    assert str(worst) == "20@1" and worst not in painted.grid.cells
    with pytest.raises(InputError, match="prescreen"):
        grids.paint(prescreen=2)


def test_a_graph_runs_again_when_a_file_of_the_run_changes(grids):
    before = LoraGridNode.fingerprint_inputs(loras="bricks")
    grids.write_lora("bricks-step00000020", seed=2)
    assert LoraGridNode.fingerprint_inputs(loras="bricks") != before
    assert len(LoraGridNode.fingerprint_inputs(loras="no such")) == 1, "files cannot be named, pictures can"


def test_whole_paths_as_train_lora_gives_them_name_files(grids):
    file = grids.write_lora("bricks-step00000020", seed=2)
    assert grids.paint(loras=str(file), steps=1).grid.cells[1].lora == file.name
