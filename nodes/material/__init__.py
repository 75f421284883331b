"""From a picture to the maps that an engine loads: height, normals, shading, and the files."""

from comfy_api.latest import io

from .combine_heights import CombineHeights
from .export import SaveMaterial
from .height_from_image import HeightFromImage
from .height_to_normal import HeightToNormal
from .load_map import LoadMap
from .material_sets import EmptyMaterialSetLatent, GivenMaps, MaterialSetModel, MaterialSetPrompt
from .normals import BlendNormals, ConvertNormal, NormalToHeight
from .packing import PackChannels, UnpackChannels
from .preview import PreviewMaterial
from .roughness import RoughnessFromImage
from .shading import Curvature, Occlusion
from .split_material_set import SplitMaterialSet

NODES: list[type[io.ComfyNode]] = [
    MaterialSetModel,
    MaterialSetPrompt,
    EmptyMaterialSetLatent,
    GivenMaps,
    SplitMaterialSet,
    LoadMap,
    HeightFromImage,
    CombineHeights,
    HeightToNormal,
    NormalToHeight,
    BlendNormals,
    ConvertNormal,
    Occlusion,
    Curvature,
    RoughnessFromImage,
    PackChannels,
    UnpackChannels,
    PreviewMaterial,
    SaveMaterial,
]
