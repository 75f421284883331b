import folder_paths
import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.nodes.dataset.from_images import WRITTEN, DatasetFromImages
from tilewright.nodes.dataset.load import LoadDataset


@pytest.fixture
def output(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path))
    return tmp_path / "datasets"


def make(images, captions=("",), folder="mine", kind="basecolor", **more):
    return DatasetFromImages.execute(images, list(captions), [folder], [kind], **more)


def test_batches_and_lists_become_samples_with_their_captions(output):
    images = [torch.rand(2, 8, 12, 3), torch.rand(1, 16, 16, 3)]
    dataset, folder, report = make(images, ["red\nblue\ngreen"], tileable=[True])
    assert folder == str(output / "mine")
    assert [(one.size, one.caption, one.tileable) for one in dataset.samples] == [
        ((12, 8), "red", True),
        ((12, 8), "blue", True),
        ((16, 16), "green", True),
    ]
    assert (dataset.samples[0].read() - images[0][0].movedim(-1, 0)).abs().max() <= 0.5 / 255 + 1e-6
    loaded = LoadDataset.execute("datasets/mine", "basecolor")[0]
    assert [(one.file, one.caption) for one in loaded.samples] == [(one.file, one.caption) for one in dataset.samples]
    assert "3 images written" in report


def test_one_line_holds_for_all_and_a_list_for_each(output):
    images = [torch.rand(2, 8, 8, 3)]
    assert make(images, ["brick"])[0].captions == ["brick", "brick"]
    assert make(images, ["brick,\nworn", "slate"])[0].captions == ["brick, worn", "slate"]
    assert make(images)[0].captions == ["", ""]
    with pytest.raises(InputError, match="3 captions for 2 images"):
        make(images, ["a", "b", "c"])


def test_single_channel_data_keeps_16_bits(output):
    height = torch.arange(64).reshape(1, 8, 8) / 65535
    (sample,) = make([height], kind="height")[0].samples
    assert torch.equal((sample.read()[0] * 65535).round(), torch.arange(64.0).reshape(8, 8))


def test_images_without_numbers_are_refused(output):
    with pytest.raises(InputError, match="not numbers"):
        make([torch.full((1, 8, 8, 3), torch.nan)])


def test_a_smaller_set_leaves_no_image_of_the_larger_one(output):
    make([torch.rand(3, 8, 8, 3)], ["brick"])
    (output / "mine" / "own.png").write_bytes(b"mine")
    report = make([torch.rand(1, 8, 8, 3)])[2]
    assert sorted(path.name for path in (output / "mine").glob("*.png")) == ["image_00001_basecolor.png", "own.png"]
    assert "2 images of an earlier run removed" in report


def test_deleted_files_are_written_again(output):
    WRITTEN.forget()
    make([torch.rand(1, 8, 8, 3)])
    before = DatasetFromImages.fingerprint_inputs(folder=["mine"])
    next(output.rglob("*.png")).unlink()
    assert DatasetFromImages.fingerprint_inputs(folder=["mine"]) != before


def test_names_that_lead_elsewhere_are_refused(output):
    assert "cannot name" in DatasetFromImages.validate_inputs(["../x"])
    assert "cannot name" in DatasetFromImages.validate_inputs("a/b")
    assert DatasetFromImages.validate_inputs(["mine"]) is True
    with pytest.raises(InputError, match="name is '../x'"):
        DatasetFromImages.execute([torch.rand(1, 8, 8, 3)], [""], ["mine"], ["basecolor"], ["../x"])
