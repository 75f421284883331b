"""Folders as public bug reports tell of them, through a real server: each file is used rightly, or named with why."""

import io
import json
import os
import struct
import zlib

import numpy as np
import OpenEXR
import pytest
import tifffile
from hand_written_png import png
from PIL import Image, ImageCms
from tilewright.launch.client import run_prompt

RGB = np.random.default_rng(5).integers(0, 256, (16, 16, 3), dtype=np.uint8)
PICTURE = Image.fromarray(RGB)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
OF_INKS = PROFILE[:16] + b"CMYK" + PROFILE[20:]
BOMB = zlib.compress(bytes(2**24), 9)
ADOBE = struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
GAMMA = struct.pack(">I", 45455)
NORMALS = np.random.default_rng(6).normal((128, 128, 250), 2, (32, 32, 3)).clip(0, 255).astype(np.uint8)
ANIMATED = {"save_all": True, "append_images": [Image.fromarray(255 - RGB)], "lossless": True}


def saved(picture=PICTURE, **options):
    return lambda path: picture.save(path, **options)


def as_png(*chunks, after=()):
    return lambda path: png(path, RGB, 8, 2, *chunks, after=after)


def tiff(pixels=RGB, photometric="rgb", **options):
    return lambda path: tifffile.imwrite(path, pixels, photometric=photometric, **options)


def exr(channels, **header):
    def write(path):
        kinds = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        with OpenEXR.File(kinds | header, channels) as file:
            file.write(str(path))

    return write


def box(first, last):
    return np.array([first] * 2, np.int32), np.array([last] * 2, np.int32)


def canvas(path):
    whole = io.BytesIO()
    PICTURE.save(whole, format="GIF")
    content = bytearray(whole.getvalue())
    content[6:10] = struct.pack("<HH", 32, 24)
    path.write_bytes(content)


FLOATS = (RGB / 255).astype(np.float32)
EXACT = {  # come as `RGB`, and nothing is said of them
    "big_endian.tif": tiff(RGB.astype(np.uint16) * 257, byteorder=">"),
    "tiles.tif": tiff(RGB.astype(np.uint16) * 257, tile=(16, 16), byteorder=">"),
    "bigtiff.tif": tiff(bigtiff=True),
    "planes.tif": tiff(np.moveaxis(RGB, -1, 0).copy(), planarconfig="separate"),
    "doubles.tif": tiff(RGB / 255),
    "packed_text.png": as_png((b"zTXt", b"Comment\0\0" + BOMB)),
    "packed_after.png": as_png(after=[(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB)]),
    "no_gamma.png": as_png((b"gAMA", bytes(4))),
    "srgb_wins.png": as_png((b"sRGB", b"\0"), (b"gAMA", GAMMA), (b"cHRM", ADOBE)),
    "wrong_ending.jpg": saved(format="PNG"),
    "old.dib": saved(format="BMP"),
    "new.apng": saved(format="PNG"),
    "photo.png.crop.png": saved(),
    "-dash.png": saved(),
    " space .png": saved(),
    "墙 #1 50%.png": saved(),
    "case.png": saved(),
    "Case.png": saved(),
    "caf\u00e9.png": saved(),
    "cafe\u0301.png": saved(),
    "folder.png/inside.png": saved(),
    "10_/bare.png": saved(),
    "5_two_words/repeated.png": saved(),
    "wall.png": saved(),
    "floor.png": saved(),
}
TOLD = {  # are used, and this is said of them
    "upper.PNG": (saved(format="PNG"), "several lines are for"),
    "moving.webp": (saved(**ANIMATED), "the first of 2 pictures"),
    "moving.png": (saved(save_all=True, append_images=ANIMATED["append_images"]), "the first of 2 pictures"),
    "part.gif": (canvas, "a part of its canvas empty"),
    "inks.jpg": (saved(PICTURE.convert("CMYK"), icc_profile=PROFILE), "a colour profile for RGB, passed over"),
    "not_inks.jpg": (saved(icc_profile=OF_INKS), "colour profile"),
    "no_profile.png": (saved(icc_profile=b"no profile at all" * 20), "a damaged colour profile"),
    "packed_profile.png": (as_png((b"iCCP", b"x\0\0" + BOMB)), "a damaged colour profile"),
    "adobe.png": (as_png((b"gAMA", GAMMA), (b"cHRM", ADOBE)), "primaries of their own, turned into sRGB"),
    "primaries.png": (as_png((b"cHRM", ADOBE)), "without a gamma, passed over"),
    "hdr.png": (as_png((b"cICP", bytes((9, 16, 0, 1)))), "wide or HDR colours"),
    "linear.png": (as_png((b"gAMA", struct.pack(">I", 100000))), "colours of gamma 1, turned into sRGB"),
    "signed.tif": (tiff(RGB.astype(np.int16) - 128), "values beyond 0..1"),
    "bright.tif": (tiff(FLOATS * 255), "values beyond 0..1"),
    "light.exr": (exr({"RGB": FLOATS}), "linear light, turned into sRGB"),
    "aces.exr": (
        exr({"RGB": FLOATS}, chromaticities=(0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)),
        "linear light, turned into sRGB",
    ),
    "nowhere.exr": (exr({"RGB": FLOATS}, chromaticities=(0.0,) * 8), "primaries that make no colours"),
    "negative.exr": (exr({"RGB": FLOATS}, dataWindow=box(-4, 11), displayWindow=box(0, 7)), "linear light"),
    "hidden.png": (saved(Image.fromarray(np.dstack([RGB, RGB[..., 0] * 0]))), "alpha of 0 everywhere"),
    "bump_local.png": (saved(Image.fromarray(NORMALS)), "looks like a normal map"),
    "two_d.jpg": (saved(), ""),
    "one_pixel.png": (saved(Image.fromarray(RGB[:1, :1])), ""),
    "one_row.png": (saved(Image.fromarray(RGB[:1])), ""),
}
LEFT_OUT = {  # are named with this reason
    "dot.png.": (saved(format="PNG"), "its name ends with a dot or a space"),
    "blank.png ": (saved(format="PNG"), "its name ends with a dot or a space"),
    "caf\udce9.png": (saved(format="PNG"), "letters that are no text"),
    "empty.png": (lambda path: path.touch(), "the file is empty"),
    "page.png": (lambda path: path.write_bytes(b"<!DOCTYPE html><html>"), "a web page"),
    "pointer.png": (lambda path: path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid"), "Git LFS"),
    "layers.png": (lambda path: path.write_bytes(b"8BPS\0\1"), "Photoshop"),
    "cut.png": (lambda path: png(path, RGB, 8, 2) and os.truncate(path, 300), "damaged or incomplete"),
    "lab.tif": (tiff(photometric="cielab"), "CIELAB"),
    "inks_16.tif": (tiff(np.dstack([RGB, RGB[..., :1]]).astype(np.uint16), "separated"), "CMYK in more than 8 bits"),
    "waves.tif": (tiff(RGB[..., 0].astype(np.complex64), "minisblack"), "complex numbers"),
    "apart.exr": (exr({"RGB": FLOATS}, dataWindow=box(100, 115), displayWindow=box(0, 7)), "outside its display"),
    "luma.exr": (exr({name: FLOATS[..., 0] for name in ("Y", "RY", "BY")}), "no channels of it make"),
    "nan.exr": (exr({"RGB": FLOATS * np.float32("nan")}), "NaN or infinite"),
    "pipe.png": (os.mkfifo if hasattr(os, "mkfifo") else os.mkdir, "not an ordinary file"),
    "loop.png": (lambda path: path.symlink_to(path.name), "not an ordinary file"),
    "round": (lambda path: path.symlink_to("."), "not an ordinary file"),
    "outside.png": (lambda path: path.symlink_to("/etc/hostname"), "leads outside"),
    "metadata.csv": (lambda path: path.write_text("file_name,text"), "captions come from text files"),
    "nested.json": (lambda path: path.write_text("[" * 10**5), "captions come from text files"),
    "rich.txt": (lambda path: path.write_bytes(rb"{\rtf1\ansi bricks}"), "rich.txt"),
    "nothing.txt": (lambda path: path.write_text("of no image"), "nothing.txt"),
    "wall_mask.png": (saved(), "a mask, a preview or another map"),
}
CAPTIONS = {
    "case.txt": b"of case",
    "Case.TXT": b"of Case",
    "caf\u00e9.txt": b"composed",
    "cafe\u0301.txt": b"decomposed",
    "folder.png/inside.txt": b"inside",
    "photo.png.crop.txt": b"a crop",
    "wall.png.caption": "wände".encode("utf-16"),
    "floor.txt": b" , ,, ",
    "metadata.jsonl": b'{"file_name": "./upper.PNG", "text": "first"}\n{"file_name": "upper.PNG", "text": "last"}\n',
}
WORDS = {"case": "of case", "Case": "of Case", "caf\u00e9": "composed", "cafe\u0301": "decomposed"}
WORDS |= {"inside": "inside", "photo.png.crop": "a crop", "wall": "wände", "repeated": "two words", "upper": "last"}


@pytest.fixture(scope="module")
def outcome(server):
    """What the server said of the folder, and the pictures and captions that it saved, by their names."""
    folder = server.base / "input" / "odd_inputs"
    files = EXACT | {name: write for name, (write, _) in (TOLD | LEFT_OUT).items()}
    for name, write in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name)
    for name, content in CAPTIONS.items():
        (folder / name).write_bytes(content)
    prompt = {
        "1": node("TilewrightLoadDataset", folder="odd_inputs", map="basecolor", image_limit=0),
        "2": node("PreviewAny", source=["1", 3]),
        "3": node("TilewrightSaveDataset", dataset=["1", 0], folder="odd_inputs", layout="Hugging Face"),
        "4": node("TilewrightAugmentDataset", dataset=["1", 0], folder="odd_inputs_more"),
        "5": node("TilewrightCleanDataset", dataset=["1", 0]),
    }
    (report,) = run_prompt(server.url, prompt)["2"]["text"]
    train = server.output / "datasets" / "odd_inputs" / "train"
    lines = (train / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    captions = {entry["file_name"]: entry["text"] for entry in map(json.loads, lines)}
    return report, {path.name: np.asarray(Image.open(path)) for path in train.glob("*.png")}, captions


def node(class_type, /, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def line_of(report, name):
    """The reasons that name a file, "" for none."""
    shown = name.encode("unicode_escape").decode() if "\udce9" in name else name
    return "\n".join(line for line in report.splitlines() if f" {shown}" in line)


def test_every_file_is_used_or_named(outcome):
    report, pictures, _ = outcome
    assert report.startswith(f"{len(EXACT) + len(TOLD)} images from")
    assert len(pictures) == len(EXACT) + len(TOLD)


@pytest.mark.parametrize("name", EXACT)
def test_what_is_right_comes_as_it_is_without_a_word(outcome, name):
    report, pictures, _ = outcome
    stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    found = [pixels for file, pixels in pictures.items() if file.split(" (")[0].removesuffix(".png") == stem]
    assert any(np.array_equal(pixels, RGB) for pixels in found)
    assert not [line for line in line_of(report, name).splitlines() if "no caption" not in line]


@pytest.mark.parametrize("name", TOLD)
def test_what_was_done_to_a_file_is_told(outcome, name):
    told = TOLD[name][1]
    assert told in line_of(outcome[0], name) if told else not line_of(outcome[0], name)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_named_with_the_reason(outcome, name):
    assert LEFT_OUT[name][1] in line_of(outcome[0], name)


def test_words_belong_to_their_pictures(outcome):
    report, _, captions = outcome
    found = {file.removesuffix(".png"): text for file, text in captions.items() if text.strip(" ,")}
    assert sorted(found.values()) == sorted(WORDS.values())
    for stem, text in WORDS.items():
        assert any(one == text for file, one in found.items() if file.split(" (")[0].casefold() == stem.casefold())
    assert "several lines are for upper.PNG, the last counts: metadata.jsonl" in report
