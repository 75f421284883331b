"""The node that shows what a Substance archive holds."""

import json
from pathlib import Path

from comfy_api.latest import io

from ...common.paths import resolve_inside
from ...dataset.image_files import fingerprint
from ...host import folders
from ..offered import offered
from ..validation import refusing


def archive_input() -> io.String.Input:
    return io.String.Input(
        "archive",
        extra_dict=offered("archives"),
        default="",
        placeholder="materials/Bricks.sbsar",
        tooltip="A .sbsar file below ComfyUI's input or output folder, or below a folder listed in "
        "extra_model_paths.yaml under tilewright_datasets.",
    )


class InspectSubstance(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightInspectSubstance",
            display_name="Inspect Substance Archive",
            category="Tilewright/dataset",
            description=(
                "Shows what is inside a .sbsar file: graphs, outputs and every parameter with its range. "
                "Needs no Substance software."
            ),
            search_aliases=[
                "sbsar",
                "substance designer",
                "substance parameters",
                "list presets",
                "sbs",
                "archive info",
            ],
            inputs=[archive_input()],
            outputs=[
                io.String.Output("text", tooltip="Graphs, outputs, inputs with their ranges, and presets, to read."),
                io.String.Output("json", tooltip="The same as JSON, for scripts."),
            ],
        )

    @classmethod
    @refusing
    def validate_inputs(cls, archive: str | None) -> None:
        if archive is not None:
            readable_archive(archive)

    @classmethod
    def fingerprint_inputs(cls, archive: str | None) -> list:
        return fingerprint(readable_archive(archive)) if archive else []

    @classmethod
    def execute(cls, archive: str) -> io.NodeOutput:
        from ...dataset.substance.archive import read_archive
        from ...dataset.substance.inspection import as_json, describe

        graphs = read_archive(readable_archive(archive))
        return io.NodeOutput(describe(graphs), json.dumps(as_json(graphs), indent=2, ensure_ascii=False))


def readable_archive(archive: str) -> Path:
    """The file that `archive` names. Raises `InputError` where a workflow may not read it or it does not exist."""
    return resolve_inside(archive, folders.readable_folders(), "The archive")
