"""Seamless nodes: models and VAEs that wrap, repair and measuring of textures."""

from comfy_api.latest import io

from .measure import MeasureSeams, TilePreview
from .networks import SeamlessModel, SeamlessVAE
from .region import CropRegion, StitchRegion
from .repair import MakeSeamless, OffsetImage

NODES: list[type[io.ComfyNode]] = [
    SeamlessModel,
    SeamlessVAE,
    OffsetImage,
    MakeSeamless,
    CropRegion,
    StitchRegion,
    TilePreview,
    MeasureSeams,
]
