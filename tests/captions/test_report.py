from pathlib import Path

from tilewright.captions.report import caption_report, template_report
from tilewright.common.texture_dataset import Sample, TextureDataset

SAMPLES = tuple(Sample(Path(f"{name}.png"), "basecolor", (8, 8), caption) for name, caption in
                [("a", "red, wall"), ("b", "wall"), ("c", "")])  # fmt: skip
DATASET = TextureDataset(SAMPLES)


def test_the_report_counts_names_what_was_left_out_and_lists_every_caption():
    lines = caption_report(DATASET, [SAMPLES[2]], "could not be read").splitlines()
    assert lines[:2] == ["2 of 3 images captioned.", "1 could not be read: c.png"]
    assert lines[3:] == ["a.png: red, wall", "b.png: wall", "c.png: "]


def test_what_a_person_wrote_is_not_counted_as_captioned():
    samples = [Sample(Path(f"{name}.png"), "basecolor", (8, 8), "words", hand_edited=name == "b") for name in "abc"]
    lines = caption_report(TextureDataset(tuple(samples)), [samples[2]], "could not be read").splitlines()
    assert lines[:3] == [
        "1 of 3 images captioned.",
        "1 image kept what a person had written.",
        "1 could not be read: c.png",
    ]


def test_the_templates_report_counts_files_and_phrases():
    lines = template_report(DATASET, {"written": 2, "kept": 1}).splitlines()
    assert lines[:2] == ["3 captions.", "Caption files: 1 kept, 2 written."]
    assert [line.split() for line in lines[4:]] == [["2", "wall"], ["1", "red"]]
