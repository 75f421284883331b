"""The node that lays a person's edits over the captions of a dataset."""

import hashlib
import json
from functools import partial

from comfy_api.latest import io

from ...captions.edited import apply_edits, edits_report
from ...common.texture_dataset import TextureDataset
from ...dataset.badges import image_badges
from ...host import edit_sets
from ...host.progress import progress_callback
from ...host.reruns import Watch
from ..sockets import TextureDatasetSocket
from ..validation import refusing

LINKED = Watch()  # edits that were used: `fingerprint_inputs` does not receive a linked name


class EditCaptions(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightEditCaptions",
            display_name="Edit Captions",
            category="Tilewright/captions",
            description=(
                "Shows every image of a dataset with its caption, to be searched, changed one by one or all at once, "
                "and taken out. What you change is kept in a file and used by every run, with or without the editor."
            ),
            search_aliases=[
                "caption editor",
                "tag editor",
                "TagGUI",
                "review dataset",
                "exclude images",
                "find replace",
            ],
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="The images to look at, with the captions so far."),
                io.String.Input(
                    "edits",
                    display_name="name of the edits",
                    default="my_dataset",
                    tooltip="Name of the edits, one for each dataset: they are kept in output/captions below that "
                    "name. Your captions stay when the dataset is captioned anew.",
                ),
                io.Int.Input(
                    "token_limit",
                    display_name="token limit",
                    default=edit_sets.LIMIT,
                    min=1,
                    max=10_000,
                    optional=True,
                    tooltip="Captions with more tokens are marked as cut. SD1 and SDXL read 75 at a time, 225 with "
                    "sd-scripts' max_token_length.",
                ),
                io.Boolean.Input(
                    "check_images",
                    display_name="check images",
                    default=True,
                    optional=True,
                    tooltip="Look at every image once, to mark duplicates, seams and blank ones. Nothing is taken out.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output("dataset", tooltip="The images with your captions, without the excluded."),
                io.String.Output("captions", is_output_list=True, tooltip="One caption for each image, in order."),
                io.String.Output(
                    "report", tooltip="How many captions are yours, and what changed since you wrote them."
                ),
            ],
            is_output_node=True,
        )

    @classmethod
    @refusing
    def validate_inputs(cls, edits: str | None) -> None:
        if edits is not None:
            edit_sets.edits_folder(edits)

    @classmethod
    def fingerprint_inputs(cls, edits: str | None, **_: object) -> list:
        return [LINKED.changes("")] if edits is None else [_state(edits)]

    @classmethod
    def execute(
        cls,
        dataset: TextureDataset,
        edits: str,
        token_limit: int = edit_sets.LIMIT,
        check_images: bool = True,
    ) -> io.NodeOutput:
        held = edit_sets.journal_of(edits).edits()
        LINKED.remember("", edits, partial(_state, edits))
        edited = apply_edits(dataset, edit_sets.keys_of(dataset), held)
        badges = image_badges(dataset, progress_callback()) if check_images else ()
        edit_sets.keep_listing(edits, edit_sets.listing_of(dataset, badges, token_limit))
        captions = edited.dataset.captions
        return io.NodeOutput(edited.dataset, captions, edits_report(edited), ui={"edits": [edits]})


def _state(edits: str) -> str:
    """The same as long as the edits come to the same, whatever was done and undone between."""
    held = {key: edit.to_json() for key, edit in edit_sets.journal_of(edits).edits().items()}
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()
