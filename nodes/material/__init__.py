"""From a picture to the maps that an engine loads: height, normals, shading, and the files."""

from comfy_api.latest import io

from .export import PackChannels, SaveMaterial
from .heights import HeightFromImage, HeightToNormal
from .load_map import LoadMap
from .normals import BlendNormals, ConvertNormal, NormalToHeight
from .shading import Curvature, Occlusion

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
