"""The node that fills captions into a template and brings them into shape."""

from collections import Counter
from collections.abc import Callable, Sequence

import comfy.model_management
from comfy_api.latest import io

from ...captions.phrases import PhraseRules, apply_rules, parse_replacements
from ...captions.report import template_report
from ...captions.template import check_template, fill_template
from ...common.caption_files import (
    OFF,
    WRITE_MODES,
    captions_locked,
    check_writable,
    keep_backup,
    split_phrases,
    write_caption,
)
from ...common.texture_dataset import Sample, TextureDataset
from ...host import folders
from ...host.edit_sets import listing_of, previewed
from ...host.protocols import Clip
from ..sockets import TextureDatasetSocket
from ..validation import refusing


class CaptionTemplate(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightCaptionTemplate",
            display_name="Caption Template",
            category="Tilewright/captions",
            description="Fills every caption into a template with the trigger word, and can write it beside its image.",
            search_aliases=[
                "trigger word",
                "prefix captions",
                "filewords",
                "tag template",
                "replace tags",
                "tag frequency",
                "captions",
                "caption prefix",
                "class word",
            ],
            inputs=[
                TextureDatasetSocket.Input("dataset", tooltip="The images whose captions to rewrite."),
                io.String.Input(
                    "template",
                    default="{trigger}, [filewords]",
                    multiline=True,
                    tooltip="[filewords] is the caption so far. Also {trigger}, {class}, {map}, {material} and {name}. "
                    "Empty phrases between commas are dropped.",
                ),
                io.String.Input(
                    "trigger",
                    display_name="trigger word",
                    default="",
                    tooltip="The word that will call the LoRA, such as 'mybricks': a rare word, without a meaning yet.",
                ),
                io.String.Input(
                    "class_name",
                    display_name="class",
                    default="texture",
                    tooltip="What {class} stands for: the kind of thing the images show.",
                ),
                io.String.Input(
                    "prefix", advanced=True, default="", optional=True, tooltip="Phrases to begin every caption with."
                ),
                io.String.Input(
                    "suffix", advanced=True, default="", optional=True, tooltip="Phrases to end every caption with."
                ),
                io.String.Input(
                    "replace",
                    display_name="search and replace",
                    advanced=True,
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip="One replacement a line, as 'old words -> new words'. Whole words, upper or lower case. "
                    "Nothing after the arrow removes the words.",
                ),
                io.String.Input(
                    "blacklist",
                    display_name="remove tags",
                    advanced=True,
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip="Phrases that no caption may hold, separated by commas.",
                ),
                io.Boolean.Input(
                    "deduplicate",
                    display_name="remove duplicate tags",
                    advanced=True,
                    default=True,
                    optional=True,
                    tooltip="Keep only the first of phrases that occur twice.",
                ),
                io.Int.Input(
                    "max_tokens",
                    display_name="max tokens",
                    advanced=True,
                    default=0,
                    min=0,
                    max=1000,
                    optional=True,
                    tooltip="Drop a caption's last tags, and the end of a sentence, until it has no more tokens than "
                    "this; 0 for any length. SD1 and SDXL read 75 at a time.",
                ),
                io.Clip.Input(
                    "clip",
                    optional=True,
                    tooltip="Counts tokens for max_tokens as this text encoder does. Without it words are counted.",
                ),
                io.Combo.Input(
                    "write_captions",
                    display_name="write caption files",
                    options=WRITE_MODES,
                    default=OFF,
                    optional=True,
                    tooltip="Write .txt files beside the images. keep leaves existing ones alone, append adds new "
                    "phrases to them, overwrite replaces them and keeps a .bak. Only below the output folder, or "
                    "where tilewright_writable_folders in extra_model_paths.yaml allows it.",
                ),
            ],
            outputs=[
                TextureDatasetSocket.Output("dataset", tooltip="The same images with their new captions."),
                io.String.Output("captions", is_output_list=True, tooltip="One caption for each image, in order."),
                io.String.Output("report", tooltip="How often each phrase occurs, and what was written."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    @refusing
    def validate_inputs(cls, template: str | None) -> None:
        check_template(template or "")

    @classmethod
    def execute(
        cls,
        dataset: TextureDataset,
        template: str,
        trigger: str,
        class_name: str,
        prefix: str = "",
        suffix: str = "",
        replace: str = "",
        blacklist: str = "",
        deduplicate: bool = True,
        max_tokens: int = 0,
        clip: Clip | None = None,
        write_captions: str = OFF,
    ) -> io.NodeOutput:
        check_template(template)
        unwanted = split_phrases(blacklist.replace("\n", ","))
        rules = PhraseRules(prefix, suffix, parse_replacements(replace), unwanted, deduplicate, max_tokens)
        count = _token_counter(clip) if clip else None
        captioned = dataset.with_captions(
            lambda sample: apply_rules(fill_template(template, sample, trigger, class_name), rules, count)
        )
        written = _write(captioned.samples, write_captions) if write_captions != OFF else Counter()
        report = template_report(captioned, written)
        return io.NodeOutput(captioned, captioned.captions, report, ui=previewed(dataset=listing_of(captioned)))


def _write(samples: Sequence[Sample], mode: str) -> Counter[str]:
    files = [sample.file.with_suffix(".txt") for sample in samples]
    roots = folders.writable_folders()
    check_writable(files, roots)  # before anything is written
    with captions_locked(files, comfy.model_management.throw_exception_if_processing_interrupted):
        return Counter(
            write_caption(file, sample.caption, mode, roots, keep_backup)
            for file, sample in zip(files, samples, strict=True)
        )


def _token_counter(clip: Clip) -> Callable[[str], int]:
    """Tokens of the first text encoder, without its start, end and padding tokens."""

    def count(caption: str) -> int:
        sections = next(iter(clip.tokenize(caption, return_word_ids=True).values()))
        return sum(word > 0 for section in sections for _, _, word in section)

    return count
