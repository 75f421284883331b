"""From a picture to the maps that an engine loads: height, normals, shading, and the files."""

from comfy_api.latest import io

from .export_nodes import PackChannels, SaveMaterial
from .height_nodes import HeightFromImage, HeightToNormal
from .load_nodes import LoadMap
from .normal_nodes import BlendNormals, ConvertNormal, NormalToHeight
from .shading_nodes import Curvature, Occlusion

NODES: list[type[io.ComfyNode]] = [
    LoadMap,
    HeightFromImage,
    HeightToNormal,
    NormalToHeight,
    BlendNormals,
    ConvertNormal,
    Occlusion,
    Curvature,
    PackChannels,
    SaveMaterial,
]
