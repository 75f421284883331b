"""The nodes that pack maps into the channels of one image, and take them out again."""

import torch
from comfy_api.latest import io

from ...common.layout import grey_to_rgb, to_bhwc
from ...material.engine_presets import GREY_MAPS, MAPS
from ...material.map_inputs import check_same_size, read_map
from ...material.packing import (
    CUSTOM,
    LAYOUTS,
    UNPACK_LAYOUTS,
    pack_channels,
    parse_channel,
    parse_unpacking,
    shown_channels,
    unpack_channels,
)
from ..shown_where import shown_where
from .surface_inputs import CATEGORY, MAP_TOOLTIPS, connected_maps, map_sockets

UNPACKED = [name for name in MAPS if name in GREY_MAPS]


class PackChannels(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightPackChannels",
            display_name="Pack Channels",
            category=CATEGORY,
            description="Packs grey maps into the channels of one image, as engines want them.",
            search_aliases=[
                "orm",
                "arm",
                "mask map",
                "channel packing",
                "swizzle",
                "smoothness",
                "roughness",
                "metallic",
                "metalness",
                "rma",
                "pbr",
                "texture maps",
                "unreal",
                "unity",
            ],
            inputs=[
                *map_sockets(),
                io.Combo.Input(
                    "layout",
                    options=[*LAYOUTS, CUSTOM],
                    default=next(iter(LAYOUTS)),
                    tooltip="What goes into red, green, blue and alpha. For another order choose custom and write it.",
                ),
                io.String.Input(
                    "channels",
                    display_name="custom channels",
                    extra_dict=shown_where(layout=[CUSTOM]),
                    default="occlusion, roughness, metallic",
                    optional=True,
                    tooltip="For the custom layout: one to four of a map, '1-' and a map (inverted), a map and "
                    ".r .g .b .a, or a number from 0 to 1, with commas between.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "image", tooltip="The packed image, of three or four channels: one is repeated, two get a 0."
                ),
                io.String.Output("report", tooltip="What lies in which channel, and what stands for missing maps."),
            ],
        )

    @classmethod
    def execute(
        cls,
        layout: str,
        channels: str = "occlusion, roughness, metallic",
        basecolor: torch.Tensor | None = None,
        height: torch.Tensor | None = None,
        normal: torch.Tensor | None = None,
        roughness: torch.Tensor | None = None,
        metallic: torch.Tensor | None = None,
        occlusion: torch.Tensor | None = None,
        opacity: torch.Tensor | None = None,
        emissive: torch.Tensor | None = None,
    ) -> io.NodeOutput:
        maps = connected_maps(basecolor, height, normal, roughness, metallic, occlusion, opacity, emissive)
        words = channels.split(",") if layout == CUSTOM else LAYOUTS[layout]
        packed, notes = pack_channels(maps, [parse_channel(word, MAPS) for word in words])
        contents = [f"{name}: {word.strip()}" for name, word in zip("RGBA", words, strict=False)]
        return io.NodeOutput(to_bhwc(shown_channels(packed)), "\n".join([*contents, *notes]))


class UnpackChannels(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightUnpackChannels",
            display_name="Unpack Channels",
            category=CATEGORY,
            description="Takes the grey maps out of a packed image: ORM, ARM, Unity's masks, gloss.",
            search_aliases=[
                "split channels",
                "unpack orm",
                "arm map",
                "mask map",
                "gloss to roughness",
                "invert gloss",
                "roughness",
                "metallic",
                "metalness",
                "rma",
                "pbr",
                "texture maps",
            ],
            inputs=[
                io.Image.Input("image", tooltip="The packed map, loaded as data: Load Map does, at full precision."),
                io.Combo.Input(
                    "layout",
                    options=list(UNPACK_LAYOUTS),
                    default=next(iter(UNPACK_LAYOUTS)),
                    tooltip="What lies in red, green, blue and alpha. For another order choose custom and write it.",
                ),
                io.String.Input(
                    "channels",
                    display_name="custom channels",
                    extra_dict=shown_where(layout=[CUSTOM]),
                    default="occlusion, roughness, metallic",
                    optional=True,
                    tooltip="For the custom layout: the map of each channel, or '1-' and a map where it is inverted; "
                    "'-' for a channel that is not used. With commas between.",
                ),
                io.Mask.Input(
                    "alpha",
                    optional=True,
                    tooltip="The fourth channel of an image that has three: the mask of Load Map or Load Image, which "
                    "is 1 minus the file's alpha.",
                ),
            ],
            outputs=[
                *(
                    io.Image.Output(name, tooltip=f"{MAP_TOOLTIPS[name]} A neutral value where the layout has none.")
                    for name in UNPACKED
                ),
                io.String.Output("report", tooltip="Which channel became which map, and what was not there."),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        layout: str,
        channels: str = "occlusion, roughness, metallic",
        alpha: torch.Tensor | None = None,
    ) -> io.NodeOutput:
        pixels, _ = read_map(image, "The image")
        if alpha is not None:
            mask, _ = read_map(alpha, "The alpha")
            check_same_size({"image": pixels, "alpha": mask})
            pixels = torch.cat([pixels[:, :3].expand(-1, 3, -1, -1), 1 - mask], dim=1)
        words = parse_unpacking(channels.split(",") if layout == CUSTOM else UNPACK_LAYOUTS[layout])
        maps, notes = unpack_channels(pixels, words, UNPACKED)
        return io.NodeOutput(*(to_bhwc(grey_to_rgb(maps[name])) for name in UNPACKED), "\n".join(notes))
