import torch
from tilewright.material.export_notes import export_notes
from tilewright.material.material_files import ExportSettings

HEIGHT = torch.full((1, 1, 4, 4), 0.5)


def test_a_plain_png_of_good_maps_has_nothing_to_say():
    assert export_notes({"height": HEIGHT}, ExportSettings()) == []


def test_clipped_pixels_are_counted_and_reduced_colours_named():
    notes = export_notes({"height": HEIGHT * 3, "roughness": torch.rand(1, 3, 4, 4)}, ExportSettings())
    assert notes[0] == "height: 16 pixels lay outside 0..1 and were clipped."
    assert notes[1] == "roughness: given in colour; its luminance was written."


def test_what_a_format_does_to_a_material_is_said():
    half = export_notes({"height": HEIGHT}, ExportSettings(file_format="EXR half"))
    assert half == [
        "height: EXR half has steps of 1/2048 above 0.5, 32 times as coarse as 16 bits. EXR float has none."
    ]
    (tiff,) = export_notes({"height": HEIGHT}, ExportSettings("glTF", "TIFF"))
    assert "the .gltf reads PNG files" in tiff
    (glb,) = export_notes({"height": HEIGHT}, ExportSettings("Unreal", "GLB"))
    assert "Unreal was not used" in glb and "the height has no place" in glb
