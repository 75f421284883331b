from pathlib import Path

from tilewright.captions.from_parameters import caption_dataset
from tilewright.common.manifest import MaterialRecord
from tilewright.common.texture_dataset import Sample, TextureDataset


def test_samples_with_a_record_are_captioned_and_the_others_are_named():
    record = MaterialRecord("a", "Materials/Brick", "Red brick wall", 0, True, {})
    known = Sample(Path("a.png"), "basecolor", (8, 8), "old", record=record)
    unknown = Sample(Path("b.png"), "basecolor", (8, 8), "mine")
    captioned, without = caption_dataset(TextureDataset((known, unknown)), details=6, colors=True)
    assert captioned.captions == ["Red brick wall", "mine"]
    assert without == [unknown]
