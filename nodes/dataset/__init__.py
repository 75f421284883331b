"""Dataset nodes: render, inspect, read, clean, augment and save texture datasets."""

from comfy_api.latest import io

from .augment import AugmentDataset
from .bucketing import BucketDataset
from .clean import CleanDataset
from .download import DownloadImages
from .from_images import DatasetFromImages
from .inspect_substance import InspectSubstance
from .load import LoadDataset
from .material_sets import MaterialSetDataset
from .render_procedural import RenderProcedural
from .render_substance import RenderSubstance
from .save import SaveDataset
from .split_join import JoinDatasets, SplitDataset

NODES: list[type[io.ComfyNode]] = [
    InspectSubstance,
    RenderSubstance,
    RenderProcedural,
    DownloadImages,
    LoadDataset,
    DatasetFromImages,
    CleanDataset,
    AugmentDataset,
    SplitDataset,
    JoinDatasets,
    BucketDataset,
    MaterialSetDataset,
    SaveDataset,
]
