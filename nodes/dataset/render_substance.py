"""The node that renders Substance archives."""

import os

import comfy.model_management
import torch
from comfy_api.latest import io

from ...common.texture_dataset import TextureDataset
from ...dataset.image_files import fingerprint
from ...host import folders
from ...host.edit_sets import listing_of, previewed
from ...host.progress import progress_callback
from ...host.reruns import Watch, all_there
from ...host.scripts import sbsrender_folders
from ..offered import offered
from ..sockets import TextureDatasetSocket
from ..validation import refusing
from .inspect_substance import archive_input, readable_archive

WRITTEN = Watch()
SIZES = ["128", "256", "512", "1024", "2048", "4096", "8192"]
FORMATS = ["png", "tif", "tga", "exr", "jpg"]
BIT_DEPTHS = ["8", "16", "16f", "32f"]


class RenderSubstance(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightRenderSubstance",
            display_name="Render Substance Archive",
            category="Tilewright/dataset",
            description=(
                "Renders many variations of a .sbsar through sbsrender, which comes with Substance 3D Designer. "
                "Finished renders are kept and never rendered twice."
            ),
            search_aliases=[
                "sbsar",
                "sbsrender",
                "substance designer",
                "vary parameters",
                "synthetic data",
                "sbs",
                "render textures",
                "adobe substance",
                "texture variations",
            ],
            inputs=[
                archive_input(),
                io.String.Input(
                    "graph",
                    extra_dict=offered("graphs"),
                    default="",
                    tooltip="Which graph of the archive; empty for the first.",
                ),
                io.String.Input(
                    "outputs",
                    extra_dict=offered("outputs", several=", "),
                    display_name="outputs (usages)",
                    default="basecolor",
                    tooltip="Maps or output identifiers, separated by commas; empty for all known maps. "
                    "Only parameters that affect them are varied.",
                ),
                io.Int.Input(
                    "count",
                    display_name="variations",
                    default=16,
                    min=1,
                    max=100000,
                    tooltip="How many variations to render.",
                ),
                io.Combo.Input(
                    "size",
                    display_name="output size",
                    options=SIZES,
                    default="1024",
                    tooltip="Width and height in pixels.",
                ),
                io.Int.Input(
                    "seed",
                    display_name="random seed",
                    advanced=True,
                    default=0,
                    min=0,
                    max=2**53,
                    # The frontend would call the control of the seed "fixed", as one of this node's own widgets.
                    control_after_generate=False,
                    tooltip="The same seed gives the same plan; a larger count begins with the same renders.",
                ),
                io.String.Input(
                    "vary",
                    extra_dict=offered("parameters", several=", "),
                    display_name="vary parameters",
                    advanced=True,
                    default="",
                    optional=True,
                    tooltip="Inputs or groups to vary, separated by commas; empty for all that matter. "
                    "Inspect Substance Archive lists them.",
                ),
                io.String.Input(
                    "fixed",
                    display_name="fixed values",
                    advanced=True,
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip="Values to hold, one a line: identifier = value, with commas between components.",
                ),
                io.Boolean.Input(
                    "presets",
                    display_name="begin with presets",
                    advanced=True,
                    default=True,
                    optional=True,
                    tooltip="Begin with the presets of the graph, as they are.",
                ),
                io.String.Input(
                    "folder",
                    advanced=True,
                    default="substance",
                    optional=True,
                    tooltip="Folder below output/datasets to write to. Renders that are there are used again.",
                ),
                io.Combo.Input(
                    "format",
                    display_name="file format",
                    advanced=True,
                    options=FORMATS,
                    default="png",
                    optional=True,
                    tooltip="File format of the renders.",
                ),
                io.Combo.Input(
                    "bit_depth",
                    display_name="bit depth",
                    advanced=True,
                    options=BIT_DEPTHS,
                    default="16",
                    optional=True,
                    tooltip="Bits a channel. 16 keeps heights and normals smooth; 16f and 32f are for EXR and TIFF.",
                ),
                io.String.Input(
                    "engine",
                    display_name="render engine",
                    advanced=True,
                    default="",
                    optional=True,
                    tooltip="sbsrender's name of a render engine, such as sse2 or d3d11pc; empty for its own choice.",
                ),
                io.String.Input(
                    "sbsrender",
                    extra_dict=offered("sbsrender"),
                    display_name="sbsrender path",
                    advanced=True,
                    default="",
                    optional=True,
                    tooltip="Which sbsrender to run, where you have several: its full path or its folder, one of those "
                    "that you allowed or that are installed in a usual place. Empty takes the first.",
                ),
                io.Float.Input(
                    "timeout",
                    display_name="timeout (s)",
                    advanced=True,
                    default=600.0,
                    min=0.0,
                    max=86400.0,
                    step=1.0,
                    optional=True,
                    tooltip="Seconds after which a render is given up and tried once more; 0 for never.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output("dataset", tooltip="The rendered maps as a dataset, ready for captions."),
                io.String.Output("folder", tooltip="Full path of the folder that was written."),
                io.String.Output("report", tooltip="What was rendered, what was there, and what failed and why."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    @refusing
    def validate_inputs(cls, archive: str | None) -> None:
        if archive is not None:
            readable_archive(archive)

    @classmethod
    def fingerprint_inputs(cls, archive: str | None, folder: str | None = "substance", **_: object) -> list:
        changes = WRITTEN.changes(folder or "")
        return [*(fingerprint(readable_archive(archive)) if archive else []), changes]

    @classmethod
    def execute(
        cls,
        archive: str,
        graph: str,
        outputs: str,
        count: int,
        size: str,
        seed: int,
        vary: str = "",
        fixed: str = "",
        presets: bool = True,
        folder: str = "substance",
        format: str = "png",
        bit_depth: str = "16",
        engine: str = "",
        sbsrender: str = "",
        timeout: float = 600.0,
    ) -> io.NodeOutput:
        from ...dataset.substance.archive import read_archive
        from ...dataset.substance.plan import choose_graph, choose_outputs, parse_fixed, plan_variants
        from ...dataset.substance.render import render_plan, render_report, rendered_files, rendered_samples
        from ...dataset.substance.tool import Engine, allowed_tools, choose_tool, tool_version

        source = readable_archive(archive)
        chosen = choose_graph(read_archive(source), graph)
        wanted = choose_outputs(chosen, _names(outputs))
        plan = plan_variants(chosen, wanted, count, seed, _names(vary), parse_fixed(fixed), presets)
        tool = choose_tool(sbsrender, allowed_tools(sbsrender_folders()))
        processes = max(1, min(count, (os.cpu_count() or 2) // 2))
        settings = Engine(
            tool,
            tool_version(tool),
            int(size).bit_length() - 1,
            format,
            bit_depth,
            engine,
            cpu_count=max(1, (os.cpu_count() or 1) // processes),
            memory_mb=max(512, _free_megabytes() // 2 // processes),
        )
        path = folders.dataset_folder(folder)
        progress = progress_callback()
        rendered = render_plan(source, chosen, wanted, plan, settings, path, processes, timeout, progress)
        dataset = TextureDataset(tuple(rendered_samples(rendered, path, int(size))))
        for key in (folder, ""):
            WRITTEN.remember(key, str(path), all_there(rendered_files(rendered, path)))
        report = render_report(rendered, path)
        return io.NodeOutput(dataset, str(path), report, ui=previewed(dataset=listing_of(dataset)))


def _free_megabytes() -> int:
    return comfy.model_management.get_free_memory(torch.device("cpu")) // 2**20


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
