"""Taggers as they are published, but with the mean colour of the image for a brain: a red image is tagged red."""

import sys

import folder_paths
import numpy as np
import pytest
import torch
from tilewright.captions.tagging import TagChoice, Vocabulary, choose_tags, prepare_wd, words_of_tag
from tilewright.common.errors import InputError
from tilewright.common.image_writing import write_png
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.host import captioners as host_captioners
from tilewright.nodes.captions.models import CaptionTagger

WD_TAGS = [("general", 9), ("red_wall", 0), ("green_moss", 0), ("blue_paint", 0), ("hero_(saga)", 4), ("^_^", 0)]
WD_WEIGHTS = [[0, 0, 255], [0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]]  # of blue, green and red
OTHER_TAGS = ["red_wall", "green_moss", "blue_paint", "hero_(saga)", "rating:safe"]
OTHER_WEIGHTS = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [1, 1, 1]]  # of red, green and blue
COLORS = {"brick": (0.8, 0.2, 0.0), "moss": (0.0, 0.6, 0.4), "slate": (0.2, 0.2, 0.2), "saga": (1.0, 0.0, 0.0)}


def write_model(file, shape, weights):
    """An ONNX file that gives `weights` times the mean of each channel."""
    from onnx import TensorProto, helper, numpy_helper, save

    matrix = numpy_helper.from_array(np.array(weights, dtype=np.float32).T, "weights")
    mean = helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2], keepdims=0)
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)
    tags = helper.make_tensor_value_info("tags", TensorProto.FLOAT, [shape[0], len(weights)])
    product = helper.make_node("MatMul", ["mean", "weights"], ["tags"])
    graph = helper.make_graph([mean, product], "tagger", [images], [tags], [matrix])
    file.parent.mkdir(parents=True, exist_ok=True)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), file)


def write_wd(folder, batch="batch"):
    write_model(folder / "model.onnx", [batch, 448, 448, 3], np.array(WD_WEIGHTS) / 255)
    rows = [f"{number},{name},{category},100\n" for number, (name, category) in enumerate(WD_TAGS)]
    (folder / "selected_tags.csv").write_text("".join(["tag_id,name,category,count\n", *rows]), encoding="utf-8")


def write_deepdanbooru(folder):
    write_model(folder / "deepdanbooru.onnx", [1, 512, 512, 3], OTHER_WEIGHTS)
    (folder / "tags.txt").write_text("\n".join(OTHER_TAGS), encoding="utf-8")
    (folder / "tags-character.txt").write_text("hero_(saga)\n", encoding="utf-8")


@pytest.fixture
def captioners(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path / "models"))
    return tmp_path / "models" / "captioners"


@pytest.fixture
def dataset(tmp_path):
    samples = []
    for name, color in COLORS.items():
        file = tmp_path / f"{name}.png"
        write_png(file, torch.tensor(color).view(3, 1, 1).expand(3, 20, 20))
        samples.append(Sample(file, "basecolor", (20, 20), "old words"))
    return TextureDataset(tuple(samples))


def test_a_wd_tagger_writes_what_it_sees_the_surest_first(captioners, dataset):
    write_wd(captioners / "tiny")
    captions = CaptionTagger.execute(dataset, "tiny", 0.35, 0.85, 4)[1]
    assert captions == ["red wall, ^_^", "green moss, blue paint", "", "red wall, hero (saga), ^_^"]


def test_deepdanbooru_writes_what_it_sees_one_image_at_a_time(captioners, dataset):
    write_deepdanbooru(captioners / "tiny")
    captions = CaptionTagger.execute(dataset, "tiny", 0.35, 0.85, 4)[1]
    assert captions == ["red wall", "green moss, blue paint", "", "red wall, hero (saga)"]


@pytest.mark.parametrize(
    ("options", "caption"),
    [
        ({"threshold": 0.1}, "red wall, ^_^, green moss"),
        ({"character_threshold": 0.7}, "red wall, hero (saga), ^_^"),
        ({"underscores": True}, "red_wall, ^_^"),
        ({"blacklist": "Red Wall,\nother"}, "^_^"),
        ({"blacklist": "red_wall, ^_^"}, ""),
        ({"existing": "after"}, "old words, red wall, ^_^"),
    ],
)
def test_settings(captioners, dataset, options, caption):
    write_wd(captioners / "tiny")
    options = {"threshold": 0.35, "character_threshold": 0.85, "batch_size": 4} | options
    assert CaptionTagger.execute(dataset, "tiny", **options)[1][0] == caption


@pytest.mark.parametrize(("batch_size", "model_batch"), [(1, "batch"), (3, "batch"), (4, 1)])
def test_one_session_serves_every_batch(captioners, dataset, monkeypatch, batch_size, model_batch):
    write_wd(captioners / "tiny", model_batch)
    sessions = []
    make = host_captioners.onnx_session
    monkeypatch.setattr(host_captioners, "onnx_session", lambda file: sessions.append(file) or make(file))
    captions = CaptionTagger.execute(dataset, "tiny", 0.35, 0.85, batch_size)[1]
    assert captions[:2] == ["red wall, ^_^", "green moss, blue paint"]
    assert len(sessions) == 1


def test_a_wd_tagger_gets_blue_first_on_a_white_square():
    wide = torch.tensor([1.0, 0.5, 0.0]).view(3, 1, 1).expand(3, 16, 32)
    prepared = prepare_wd(wide, (64, 64))
    assert prepared.shape == (64, 64, 3)
    assert prepared.dtype == np.float32
    np.testing.assert_allclose(prepared[32, 32], [0, 127.5, 255], atol=1e-3)
    np.testing.assert_allclose(prepared[[2, -3], 32], 255, atol=1e-3)


def test_ratings_are_never_written():
    vocabulary = Vocabulary(("sensitive", "stone"), (9, 0), wd=True)
    assert choose_tags([1.0, 0.0], vocabulary, TagChoice(threshold=0.0)) == ["stone"]


@pytest.mark.parametrize(("tag", "words"), [("brick_wall", "brick wall"), ("o_o", "o_o"), ("(o)_(o)", "(o)_(o)")])
def test_underscores_become_spaces_except_in_emoticons(tag, words):
    assert words_of_tag(tag) == words


@pytest.mark.parametrize("name", ["missing", "", "../outside"])
def test_a_missing_tagger_is_told_with_the_folder_to_fill(captioners, dataset, name):
    write_wd(captioners.parent / "outside")
    with pytest.raises(InputError, match=r"(?s)Put the files of SmilingWolf/wd-vit-tagger-v3 .*selected_tags.csv"):
        CaptionTagger.execute(dataset, name, 0.35, 0.85, 1)


def test_a_damaged_model_is_told(captioners, dataset):
    write_wd(captioners / "tiny")
    (captioners / "tiny" / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(InputError, match=r"model\.onnx cannot be loaded by onnxruntime"):
        CaptionTagger.execute(dataset, "tiny", 0.35, 0.85, 1)


def test_a_model_that_is_no_tagger_is_told(captioners, dataset):
    write_wd(captioners / "tiny")
    write_model(captioners / "tiny" / "model.onnx", ["batch", 3, 448, 448], [[1] * 448] * 6)
    with pytest.raises(InputError, match=r"its input is \['batch', 3, 448, 448\]"):
        CaptionTagger.execute(dataset, "tiny", 0.35, 0.85, 1)


def test_a_list_of_tags_that_does_not_fit_is_told(captioners, dataset):
    write_wd(captioners / "tiny")
    (captioners / "tiny" / "selected_tags.csv").write_text("tag_id,name,category,count\n1,stone,0,5\n")
    with pytest.raises(InputError, match="gives 6 values for each image, but its list of tags has 1 entries"):
        CaptionTagger.execute(dataset, "tiny", 0.35, 0.85, 1)


def test_a_damaged_list_of_tags_is_told(captioners, dataset):
    write_wd(captioners / "tiny")
    (captioners / "tiny" / "selected_tags.csv").write_text("tag_id,name,category,count\n1,stone\n")
    with pytest.raises(InputError, match=r"selected_tags\.csv is not a list of tags"):
        CaptionTagger.execute(dataset, "tiny", 0.35, 0.85, 1)


def test_without_onnxruntime_the_package_is_named(captioners, dataset, monkeypatch):
    write_wd(captioners / "tiny")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="python -m pip install onnxruntime"):
        CaptionTagger.execute(dataset, "tiny", 0.35, 0.85, 1)
