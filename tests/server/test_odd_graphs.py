"""Graphs as public bug reports tell of them, through a real server: each gives what it should, or says why not.

Numbers come by links and from scripts, masks, batches and latents in every shape that other nodes make.
"""

import shutil

import pytest
from small_graphs import Runner, node, text_of

NAN = float("nan")


@pytest.fixture(scope="module")
def run(server):
    return Runner(server)


def number(value):
    return node("PrimitiveFloat" if isinstance(value, float) else "PrimitiveInt", value=value)


IMAGE, HEIGHT = {"image": ["image", 0]}, {"height": ["image", 0]}
REPORTS = {  # of nodes, the output that says what was done
    "TilewrightHeightToNormal": 1,
    "TilewrightOcclusion": 2,
    "TilewrightCurvature": 4,
    "TilewrightHeightFromImage": 1,
    "TilewrightRoughnessFromImage": 2,
    "TilewrightMakeSeamless": 3,
    "TilewrightOffsetImage": 0,
    "TilewrightTilePreview": 0,
    "TilewrightSaveMaterial": 1,
    "TilewrightRenderProcedural": 2,
}
LINKED = [  # node, its sockets, and a widget with what a link brings; what is said of it
    ("TilewrightHeightToNormal", HEIGHT, "size_cm", 0.0, "surface size (cm) is 0, but 0.01 is the least"),
    ("TilewrightHeightToNormal", HEIGHT, "size_cm", -5.0, "surface size (cm) is -5, but 0.01 is the least"),
    ("TilewrightHeightToNormal", HEIGHT, "height_cm", -5.0, "height depth (cm) is -5, but 0 is the least"),
    ("TilewrightHeightToNormal", HEIGHT, "strength", 1e9, "intensity is 1e+09, but 100 is the most"),
    ("TilewrightOcclusion", HEIGHT, "slices", 0, "is the least"),
    ("TilewrightOcclusion", HEIGHT, "radius_cm", -1.0, "is the least"),
    ("TilewrightCurvature", HEIGHT, "smooth_cm", -1.0, "is the least"),
    ("TilewrightHeightFromImage", IMAGE, "flatten", -5.0, "light removal is -5, but 0 is the least"),
    ("TilewrightHeightFromImage", IMAGE, "gamma", 0.0, "midtones (gamma) is 0, but 0.1 is the least"),
    ("TilewrightHeightFromImage", IMAGE, "clip", 80.0, "is 80, but 20 is the most"),
    ("TilewrightRoughnessFromImage", IMAGE, "roughness", 7.0, "is 7, but 1 is the most"),
    ("TilewrightMakeSeamless", IMAGE, "width", 0, "blend width (px) is 0, but 16 is the least"),
    ("TilewrightOffsetImage", IMAGE, "seam_width", -9, "seam width (px) is -9, but 1 is the least"),
    ("TilewrightOffsetImage", IMAGE, "x", 7.3, "horizontal offset is 7.3, but 1 is the most"),
    ("TilewrightTilePreview", IMAGE, "columns", 0, "columns is 0, but 1 is the least"),
    ("TilewrightSaveMaterial", {"basecolor": ["image", 0]}, "size_cm", 0.0, "surface size (cm) is 0, but"),
    ("TilewrightRenderProcedural", {"size": 64}, "count", 0, "is 0, but 1 is the least"),
    ("TilewrightRenderProcedural", {"size": 64, "count": 1}, "seed", -1, "seed is -1, but 0 is the least"),
]
FROM_SCRIPTS = [  # as Python's json writes and reads it, where other JSON has no NaN
    ("TilewrightHeightToNormal", HEIGHT, "height_cm"),
    ("TilewrightHeightToNormal", HEIGHT, "strength"),
    ("TilewrightOcclusion", HEIGHT, "radius_cm"),
    ("TilewrightOffsetImage", IMAGE, "x"),
    ("TilewrightHeightFromImage", IMAGE, "gamma"),
    ("TilewrightRenderProcedural", {"size": 64, "count": 1}, "variation"),
]


@pytest.mark.parametrize(("name", "sockets", "widget", "value", "said"), LINKED)
def test_a_linked_number_is_held_against_the_range_of_its_widget(run, name, sockets, widget, value, said):
    graph = {"node": node(name, **sockets, **{widget: ["number", 0]}), "number": number(value)}
    assert said in run(**graph, text=text_of("node", REPORTS[name]))


@pytest.mark.parametrize(("name", "sockets", "widget"), FROM_SCRIPTS)
def test_a_number_that_is_none_is_named(run, name, sockets, widget):
    found = run(node=node(name, **sockets, **{widget: NAN}), text=text_of("node", REPORTS[name]))
    assert "is nan, which is no number" in found


@pytest.mark.parametrize("text", ["a\0b", "a\x1bb", "\ud800"])
def test_signs_that_no_file_could_be_read_with_are_named(run, text):
    found = run(node=node("TilewrightTexturePrompt", material=text), text=text_of("node", 0))
    assert "is no letter" in found


@pytest.mark.parametrize("name", ["a\u200bb", "\u202egnp", "soft\u00adhyphen", "\ufeffbom", "tab\tname"])
def test_a_name_in_which_nobody_sees_a_letter_is_refused(run, name):
    found = run(node=node("TilewrightSaveMaterial", basecolor=["image", 0], name=name))
    assert ("cannot name a file or folder" if "\t" in name else "in which nobody sees U+") in found


@pytest.mark.parametrize(
    "name", ["👩‍🎨 🧱", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "می‌خواهم", "~", "$HOME", "-n"]
)
def test_a_name_that_can_be_seen_is_used_as_it_is(run, server, name):
    run(node=node("TilewrightSaveMaterial", basecolor=["image", 0], name=name))
    assert (server.output / "materials" / name / f"{name}_basecolor.png").is_file()


def batch(name, count):
    return node("RepeatImageBatch", image=[name, 0], amount=count)


MASKS = {  # how other nodes make masks: (graph that ends in "mask", what Crop Region says)
    "of a padded picture, without a batch": (
        {"mask": node("ImagePadForOutpaint", image=["image", 0], left=8, top=0, right=0, bottom=0, feathering=0)},
        "The mask is 136 x 96 pixels, the image 128 x 96",
    ),
    "of a picture without alpha": ({"mask": node("LoadImage", image="odd.png")}, "an empty mask of 64 x 64"),
    "that marks nothing": ({"mask": node("SolidMask", value=0.0, width=128, height=96)}, "The mask marks nothing"),
    "that marks everything": ({"mask": node("SolidMask", value=1.0, width=128, height=96)}, "128 x 96 pixels from"),
    "many for one picture": (
        {
            "many": batch("image", 6),
            "mask": node("ImageToMask", image=["many", 0], channel="red"),
        },
        "pixels from",
    ),
}


@pytest.mark.parametrize("kind", MASKS)
def test_masks_of_other_nodes(run, kind):
    graph, said = MASKS[kind]
    slot = {"ImagePadForOutpaint": 1, "LoadImage": 1}.get(graph["mask"]["class_type"], 0)
    crop = node("TilewrightCropRegion", image=["image", 0], mask=["mask", slot], size=64)
    assert said in run(**graph, node=crop, text=text_of("node", 3))


BATCHES = {
    "TilewrightCombineHeights": ("base", "detail", 3),
    "TilewrightSaveMaterial": ("basecolor", "roughness", 1),
}


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize(("first", "second"), [(3, 2), (3, 1), (1, 3)])
def test_batches_of_unlike_numbers_are_named_with_their_numbers(run, name, first, second):
    one, other, slot = BATCHES[name]
    graph = {"one": batch("image", first), "two": batch("image", second)}
    found = run(**graph, node=node(name, **{one: ["one", 0], other: ["two", 0]}), text=text_of("node", slot))
    assert found.startswith("refused") and all(str(count) in found for count in (first, second))


@pytest.mark.parametrize("name", ["TilewrightHeightToNormal", "TilewrightOcclusion", "TilewrightHeightFromImage"])
@pytest.mark.parametrize("opacity", [0.5, 1.0])
def test_an_alpha_that_is_left_out_is_told(run, name, opacity):
    graph = {
        "mask": node("SolidMask", value=1 - opacity, width=128, height=96),
        "whole": node("JoinImageWithAlpha", image=["image", 0], alpha=["mask", 0]),
        "node": node(name, **{"image" if name.endswith("Image") else "height": ["whole", 0]}),
    }
    assert ("its alpha was left out" in run(**graph, text=text_of("node", REPORTS[name]))) == (opacity < 1)


def test_an_upscale_model_says_that_it_takes_no_alpha(run, server):
    from standin_upscaler import write_standin_upscaler

    write_standin_upscaler(server.base / "models" / "upscale_models" / "odd.pth")
    graph = {
        "mask": node("SolidMask", value=0.5, width=128, height=96),
        "whole": node("JoinImageWithAlpha", image=["image", 0], alpha=["mask", 0]),
        "model": node("UpscaleModelLoader", model_name="odd.pth"),
        "node": node("TilewrightUpscaleWithModel", upscale_model=["model", 0], image=["whole", 0]),
    }
    assert "The image has 4 channels, the upscale model takes 3" in run(**graph, text=text_of("node", 1))


LATENTS = {
    "EmptyHunyuanLatentVideo": ({"width": 64, "height": 64, "length": 5}, "The latent has 5 axes"),
    "EmptySD3LatentImage": ({"width": 64, "height": 64}, "The latent has 16 channels, this VAE takes 4"),
    "EmptyLatentImage": ({"width": 16, "height": 1024}, "decoded in tiles of 64 px"),
}


@pytest.mark.parametrize("kind", LATENTS)
def test_latents_of_other_models(run, kind):
    inputs, said = LATENTS[kind]
    decode = node("TilewrightTiledVAEDecode", samples=["latent", 0], vae=["demo", 2], tile_size=64)
    assert said in run(latent=node(kind, **inputs), node=decode, text=text_of("node", 1))


@pytest.mark.parametrize(
    ("width", "height", "axes", "said"),
    [
        (100, 77, "auto", "cropped from 100 x 77 to 96 x 72 pixels, multiples of 8"),
        (64, 8, "auto", "equal to the untiled result"),
        (100, 77, "both", "would crop the rest off"),
        (7, 64, "auto", "at least 8 a side"),
    ],
)
def test_pictures_of_odd_sizes_are_encoded_and_what_is_cut_off_is_told(run, width, height, axes, said):
    picture = node("EmptyImage", width=width, height=height, color=0x808080)
    encode = node("TilewrightTiledVAEEncode", pixels=["picture", 0], vae=["demo", 2], tile_size=64, axes=axes)
    assert said in run(picture=picture, node=encode, text=text_of("node", 1))


def test_a_map_that_a_material_set_lacks_stops_only_those_who_need_it(run, server):
    split = node("TilewrightSplitMaterialSet", images=["image", 0], maps="basecolor")
    saved = node("TilewrightSaveMaterial", name="lacks", basecolor=["split", 0], metallic=["split", 4])
    assert "lacks_basecolor.png" in run(split=split, saved=saved)
    assert not (server.output / "materials" / "lacks" / "lacks_metallic.png").exists()
    for class_type in ("PreviewImage", "ImageInvert", "TilewrightHeightToNormal"):
        socket = {"PreviewImage": "images", "ImageInvert": "image"}.get(class_type, "height")
        used = node(class_type, **{socket: ["split", 4]})
        found = run(split=split, used=used, shown=node("PreviewImage", images=["used", 0]))
        assert found.startswith("refused") and "the maps of this material set are basecolor." in found


def test_a_list_without_pictures_says_so_where_they_are_used(run, server):
    (server.base / "input" / "listed").mkdir(exist_ok=True)
    shutil.copy(server.base / "input" / "odd.png", server.base / "input" / "listed")
    loaded = node("TilewrightLoadDataset", folder="listed", image_limit=0)
    found = run(loaded=loaded, shown=node("PreviewImage", images=["loaded", 1]))
    assert "Load Dataset has nothing at its output images" in found and "Nothing where that is 0" in found
