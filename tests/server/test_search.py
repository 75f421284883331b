"""What an artist types into the editor's search finds the node, by the editor's own search."""

import pytest

FIRST = 20  # entries of the list that are seen without typing more
WORDS = {  # by the node that is meant; ComfyUI's own nodes may stand before it
    "RenderSubstance": ["sbsar", "substance", "sbsrender"],
    "RenderProcedural": ["texture generator", "procedural"],
    "MakeSeamless": ["tileable", "make tileable", "image quilting", "tile"],
    "SeamlessModel": ["seamless", "tiling", "circular padding"],
    "HeightFromImage": ["heightmap", "height map", "displacement", "bump"],
    "HeightToNormal": ["normal map"],
    "RoughnessFromImage": ["roughness", "gloss", "smoothness"],
    "SaveMaterial": [
        "metallic",
        "pbr",
        "texture maps",
        "material",
        "export",
        "unreal",
        "unity",
        "godot",
        "blender",
        "gltf",
        "materialx",
    ],
    "PackChannels": ["metalness", "orm", "arm", "rma", "mask map", "channel packing"],
    "Occlusion": ["ambient occlusion", "ao"],
    "Curvature": ["cavity", "curvature", "edge wear"],
    "LoadMap": ["16 bit", "exr", "tiff", "load map"],
    "CaptionTemplate": ["caption", "trigger word"],
    "CaptionTagger": ["tagger", "wd14"],
    "CaptionFlorence2": ["florence"],
    "CaptionBLIP": ["blip"],
    "LoadDataset": ["dataset", "image folder"],
    "TrainLoraKohya": ["kohya"],
    "TrainLora": ["train lora", "lora training"],
    "TrainModelKohya": ["dreambooth", "textual inversion", "finetune"],
    "LoraGrid": ["xy plot", "compare", "comparison"],
    "ScoreGrid": ["best checkpoint"],
    "CheckOverfit": ["overfitting"],
    "ScoreImages": ["clip score", "aesthetic"],
    "UpscaleWithModel": ["esrgan", "upscale"],
    "TiledDiffusion": ["4k", "multidiffusion"],
    "TiledVAEDecode": ["tiled vae"],
    "OffsetImage": ["inpaint seam", "offset"],
    "CropRegion": ["crop and stitch"],
    "ConvertNormal": ["opengl", "directx", "flip green"],
    "BucketDataset": ["bucket"],
    "MaterialSetDataset": ["pbr dataset"],
    "MaterialSetModel": ["text to material"],
    "GivenMaps": ["photo to pbr"],
    "SplitMaterialSet": ["unbatch maps"],
    "JoinDatasets": ["regularisation images"],
    "TexturePrompt": ["wildcards", "prompt builder", "texture"],
    "AugmentDataset": ["augmentation"],
    "CleanDataset": ["deduplicate"],
}
EACH = [(word, node) for node, words in WORDS.items() for word in words]

_FOUND = """words => {
  const { $pinia } = document.querySelector("#vue-app").__vue_app__.config.globalProperties;
  const search = $pinia._s.get("nodeDef").nodeSearchService;
  const names = word => search.searchNode(word, [], { limit: 64 }).map(node => node.name);
  return Object.fromEntries(words.map(word => [word, names(word)]));
}"""


@pytest.fixture(scope="module")
def found(editor):
    return editor.evaluate(_FOUND, [word for word, _ in EACH])


def test_there_are_words_enough():
    assert len(dict(EACH)) == len(EACH) > 60


@pytest.mark.parametrize(("word", "node"), EACH, ids=[word for word, _ in EACH])
def test_the_word_finds_the_node(found, word, node):
    names = found[word]
    assert f"Tilewright{node}" in names[:FIRST], names[:FIRST]
