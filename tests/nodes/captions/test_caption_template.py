from pathlib import Path

import pytest
from PIL import Image
from tilewright.common.errors import InputError
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.nodes.captions.template import CaptionTemplate


def caption(template, trigger="twbricks", caption="brick wall, wide joints", class_name="texture", **options):
    sample = Sample(Path("wall_01_height.png"), "height", (8, 8), caption, material="wall_01")
    dataset, captions, _ = CaptionTemplate.execute(TextureDataset((sample,)), template, trigger, class_name, **options)
    assert captions == [dataset.samples[0].caption]
    return captions[0]


def test_the_template_is_filled():
    assert caption("{trigger} {class}, [filewords], seamless") == (
        "twbricks texture, brick wall, wide joints, seamless"
    )
    assert caption("{name} is the {map} of {material}") == "wall_01_height is the height of wall_01"


def test_empty_phrases_are_dropped():
    assert caption("{trigger}, [filewords], ", trigger="") == "brick wall, wide joints"
    assert caption("{trigger},[filewords]", caption="") == "twbricks"


def test_what_is_filled_in_is_never_a_template_itself():
    assert caption("{trigger}, [filewords]", trigger="{class}", caption="[filewords] {0.__class__}") == (
        "{class}, [filewords] {0.__class__}"
    )


@pytest.mark.parametrize(
    "template", ["{colour}", "{trigger.__class__}", "{0}", "{}", "{trigger", "trigger}", "{{trigger}}"]
)
def test_an_unknown_field_is_told_with_those_that_exist(template):
    message = CaptionTemplate.validate_inputs(template)
    assert "[filewords], {trigger}, {class}" in message
    with pytest.raises(InputError):
        caption(template)


def test_a_good_or_linked_template_passes():
    assert CaptionTemplate.validate_inputs("{ trigger }, [filewords]") is True
    assert CaptionTemplate.validate_inputs(None) is True


def test_phrases_are_added_replaced_banned_and_kept_once():
    options = dict(
        prefix="seamless texture",
        suffix="flat lighting, Seamless Texture",
        replace="wide joints -> broad mortar joints\nbrick -> clay brick\nmossy ->",
        blacklist="Clean\nnew",
    )
    given = "brick wall, bricks, wide joints, mossy, clean, brick wall"
    assert caption("[filewords]", caption=given, **options) == (
        "seamless texture, clay brick wall, bricks, broad mortar joints, flat lighting"
    )


def test_phrases_stay_double_when_asked():
    assert caption("[filewords]", caption="a, a", deduplicate=False) == "a, a"


def test_a_long_caption_loses_its_own_last_phrases():
    given = "brick wall, wide joints, worn edges"
    assert caption("[filewords]", caption=given, suffix="seamless", max_tokens=7) == "brick wall, wide joints, seamless"
    assert caption("[filewords]", caption=given, max_tokens=1) == "brick wall"


WALL = "The image shows an old wall of red bricks with wide mortar joints. Moss grows in the cracks and on the edges."


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (40, f"tw, {WALL}"),
        (24, "tw, The image shows an old wall of red bricks with wide mortar joints."),
        (17, "tw, The image shows an old wall of red bricks with wide mortar joints."),
        (15, "tw, The image shows an old wall of red bricks with wide mortar"),
        (11, "tw, The image shows an old wall of red bricks"),  # not "bricks with"
        (5, "tw"),  # not "The image shows"
    ],
)
def test_a_sentence_is_cut_at_its_end_or_between_words(most, expected):
    assert caption("{trigger}, [filewords]", trigger="tw", caption=WALL, max_tokens=most) == expected


def test_a_sentence_alone_is_cut_as_short_as_it_must_be():
    assert caption("[filewords]", caption=WALL, max_tokens=3) == "The image shows"
    assert (
        caption("[filewords]", caption=WALL, suffix="seamless", max_tokens=8) == "The image shows an old wall, seamless"
    )


def test_tags_behind_a_sentence_go_before_it_is_cut():
    given = f"{WALL}, worn edges"
    assert caption("[filewords]", caption=given, max_tokens=24) == WALL


class Clip:
    """ComfyUI's own tokenizer of SD1 behind the one method that the node calls."""

    def tokenize(self, text, return_word_ids=False):
        from comfy.sd1_clip import SD1Tokenizer

        return SD1Tokenizer().tokenize_with_weights(text, return_word_ids)


def test_tokens_are_counted_by_the_text_encoder_that_is_given():
    given = "cobblestone, twxqzv"  # 2 and 5 tokens, and the comma
    assert caption("[filewords]", caption=given, max_tokens=7, clip=Clip()) == "cobblestone"
    assert caption("[filewords]", caption=given, max_tokens=8, clip=Clip()) == given


def test_a_sentence_is_cut_by_the_tokens_of_the_text_encoder():
    given = "worn cobblestone twxqzv pavement with grass between the stones"  # 1 + 2 + 5 + 1 tokens, then 1 a word
    assert (
        caption("[filewords]", caption=given, max_tokens=12, clip=Clip())
        == "worn cobblestone twxqzv pavement with grass"
    )
    assert caption("[filewords]", caption=given, max_tokens=8, clip=Clip()) == "worn cobblestone twxqzv"


def test_a_replacement_without_an_arrow_is_told():
    with pytest.raises(InputError, match="old words -> new words"):
        caption("[filewords]", replace="brick = stone")


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    import folder_paths

    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path / "output"))
    file = tmp_path / "output" / "wall.png"
    file.parent.mkdir()
    Image.new("RGB", (8, 8)).save(file)
    return TextureDataset((Sample(file, "basecolor", (8, 8), "brick wall, worn"),))


def write(dataset, mode):
    report = CaptionTemplate.execute(dataset, "tw, [filewords]", "", "", write_captions=mode)[2]
    return report, dataset.samples[0].file.with_suffix(".txt")


@pytest.mark.parametrize(
    ("mode", "text"),
    [("keep", "by hand, worn"), ("append", "by hand, worn, tw, brick wall\n"), ("overwrite", "tw, brick wall, worn\n")],
)
def test_existing_caption_files_are_kept_extended_or_replaced(on_disk, mode, text):
    path = on_disk.samples[0].file.with_suffix(".txt")
    path.write_text("by hand, worn", encoding="utf-8")
    write(on_disk, mode)
    assert path.read_text(encoding="utf-8") == text


def test_a_caption_file_that_stays_the_same_is_not_touched(on_disk):
    report, path = write(on_disk, "overwrite")
    assert "1 written" in report
    before = path.stat().st_mtime_ns
    report, _ = write(on_disk, "append")
    assert "1 unchanged" in report
    assert path.stat().st_mtime_ns == before


def test_a_link_does_not_carry_captions_outside(on_disk, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("precious", encoding="utf-8")
    on_disk.samples[0].file.with_suffix(".txt").symlink_to(secret)
    with pytest.raises(InputError, match="outside the folders"):
        write(on_disk, "overwrite")
    assert secret.read_text(encoding="utf-8") == "precious"


def test_the_report_counts_phrases():
    samples = [Sample(Path(f"{n}.png"), "basecolor", (8, 8), text) for n, text in enumerate(["a, b", "a", "a, a"])]
    report = CaptionTemplate.execute(TextureDataset(tuple(samples)), "[filewords]", "", "", deduplicate=False)[2]
    assert [line.split() for line in report.splitlines()[-2:]] == [["3", "a"], ["1", "b"]]
