"""The nodes around a sampler that gives all maps of a material at once."""

import torch
from comfy_api.latest import io

from ...common.conventions import CONVENTIONS
from ...common.errors import InputError
from ...common.map_words import DEFAULT_MAPS, listed_maps, parse_maps
from ...host.given_maps import empty_material_sets, given_maps
from ...host.material_sets import maps_of_lora, material_set_model
from ...host.protocols import Clip, Model, Vae
from ...host.set_prompts import set_prompts
from ..set_maps import NodeOfMaps, maps_input
from .normals import DETECT
from .surface_inputs import CATEGORY, MAP_TOOLTIPS

GIVEN = {"basecolor": "basecolor", "normal": "normal", "height": "height", "roughness": "roughness",
         "metallic": "metallic", "occlusion": "ao"}  # fmt: skip


class MaterialSetModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightMaterialSetModel",
            display_name="Material Set Model",
            category=CATEGORY,
            description="Lets a model paint all maps of a material in one sampling, each seeing the others, so that "
            "they show one surface. For LoRAs that were trained on maps together.",
            search_aliases=["pbr model", "svbrdf", "all maps", "joint attention", "text to material", "photo to pbr"],
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip="The checkpoint with a LoRA that was trained on maps together. It is not changed. Seamless "
                    "Model and Tiled Diffusion may stand before or behind.",
                ),
                maps_input(
                    "Which maps, of those that the LoRA knows. Empty takes all of them, as its file says. Connect the "
                    "maps output to the other nodes of the set.",
                    "",
                ),
                io.Float.Input(
                    "data_guidance",
                    display_name="CFG of data maps",
                    default=2.0,
                    min=0.0,
                    max=30.0,
                    step=0.1,
                    advanced=True,
                    tooltip="The sampler's CFG is for colours; all other maps have this one, where it is lower: more "
                    "makes normals and heights too steep. 0 is the sampler's for all.",
                ),
            ],
            outputs=[
                io.Model.Output("model", tooltip="The model for the sampler."),
                io.String.Output("maps", tooltip="The maps in their order, for the other nodes of the set."),
            ],
        )

    @classmethod
    def execute(cls, model: Model, maps: str, data_guidance: float = 2.0) -> io.NodeOutput:
        kinds = parse_maps(_asked_for(model, maps))
        return io.NodeOutput(material_set_model(model, kinds, data_guidance), listed_maps(kinds))


def _asked_for(model: Model, maps: str) -> str:
    known = maps_of_lora(model)
    if not maps.strip() and not known:
        raise InputError(
            "maps is empty, and no LoRA in the model says which maps it was trained on together. Load one that was "
            "(Train Texture LoRA with maps on together), or name the maps: " + DEFAULT_MAPS + "."
        )
    if maps.strip() and known and (missing := set(parse_maps(maps)) - set(parse_maps(known))):
        raise InputError(
            f"The LoRA was trained on {listed_maps(parse_maps(known))}, not on {', '.join(sorted(missing))}. Take that "
            "out of maps, or leave maps empty."
        )
    return maps if maps.strip() else known


class MaterialSetPrompt(NodeOfMaps):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightMaterialSetPrompt",
            display_name="Material Set Prompt",
            category=CATEGORY,
            description="Writes the prompts of all maps of a material from one text, and encodes them: a row for each "
            "map, with the map's word in front.",
            search_aliases=["pbr prompt", "map prompts", "text encode", "conditioning batch", "svbrdf prompt"],
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder, with the LoRA if it holds one for it."),
                io.String.Input(
                    "text",
                    multiline=True,
                    default="",
                    dynamic_prompts=True,
                    tooltip="The material, in the words of your captions: red bricks, mossy joints.",
                ),
                io.String.Input(
                    "negative",
                    display_name="negative prompt",
                    multiline=True,
                    default="",
                    dynamic_prompts=True,
                    tooltip="What must not be seen. Each map's word is put in front of it as well, so that guidance is "
                    "about the text and not about the kind of map.",
                ),
                maps_input("The maps output of Material Set Model."),
            ],
            outputs=[
                io.Conditioning.Output("positive", tooltip="For the sampler."),
                io.Conditioning.Output("negative", tooltip="For the sampler."),
                io.String.Output("prompts", tooltip="The prompt of each map, a line each."),
            ],
        )

    @classmethod
    def execute(cls, clip: Clip, text: str, negative: str, maps: str) -> io.NodeOutput:
        prompts = set_prompts(clip, parse_maps(maps), text, negative)
        return io.NodeOutput(prompts.positive, prompts.negative, "\n".join(prompts.lines))


class EmptyMaterialSetLatent(NodeOfMaps):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightEmptyMaterialSetLatent",
            display_name="Empty Material Set Latent",
            category=CATEGORY,
            description="The empty latents of whole materials, an image for each map, to be sampled from text alone.",
            search_aliases=["empty latent", "pbr latent", "latent batch", "svbrdf latent"],
            inputs=[
                io.Int.Input("width", default=512, min=64, max=16384, step=8, tooltip="Of each map, in pixels."),
                io.Int.Input("height", default=512, min=64, max=16384, step=8, tooltip="Of each map, in pixels."),
                maps_input("The maps output of Material Set Model."),
                io.Int.Input(
                    "materials",
                    default=1,
                    min=1,
                    max=256,
                    tooltip="How many materials to sample at once. They take as much memory as a batch of materials × "
                    "maps images.",
                ),
                io.Boolean.Input(
                    "shared_noise",
                    display_name="same noise for all maps",
                    default=False,
                    advanced=True,
                    tooltip="Starts all maps of a material from the same noise. Off is what LoRAs are trained with.",
                ),
            ],
            outputs=[io.Latent.Output("latent", tooltip="For the sampler.")],
        )

    @classmethod
    def execute(
        cls, width: int, height: int, maps: str, materials: int = 1, shared_noise: bool = False
    ) -> io.NodeOutput:
        return io.NodeOutput(empty_material_sets(width, height, len(parse_maps(maps)), materials, shared_noise))


class GivenMaps(NodeOfMaps):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightGivenMaps",
            display_name="Given Maps",
            category=CATEGORY,
            description="Starts a material from maps that you have: a photo as basecolor, a sculpted height. They stay "
            "as they are, and the sampler paints the others to match.",
            search_aliases=[
                "photo to pbr",
                "image to material",
                "basecolor to normal",
                "height to material",
                "delight",
                "pbr from photo",
            ],
            inputs=[
                io.Vae.Input("vae", tooltip="The checkpoint's VAE; through Seamless VAE for maps that tile."),
                maps_input("The maps output of Material Set Model."),
                *(io.Image.Input(name, optional=True, tooltip=f"{MAP_TOOLTIPS[name]} Connect what is known.")
                  for name in GIVEN),
                io.Combo.Input(
                    "convention",
                    display_name="normal format",
                    options=[*CONVENTIONS, DETECT],
                    default=DETECT,
                    optional=True,
                    advanced=True,
                    tooltip="What the given normal map is; detect reads it from the pixels.",
                ),
                io.Int.Input(
                    "variations",
                    default=1,
                    min=1,
                    max=256,
                    optional=True,
                    tooltip="How many materials to sample for each image that is given.",
                ),
            ],
            outputs=[
                io.Latent.Output("latent", tooltip="For the sampler: the given maps, and masks that keep them."),
                io.String.Output("report", tooltip="Which maps are given and which are painted."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, vae: Vae, maps: str, convention: str = DETECT, variations: int = 1, **images: torch.Tensor | None
    ) -> io.NodeOutput:
        given = {GIVEN[name]: image for name, image in images.items() if image is not None}
        latent, report = given_maps(vae, parse_maps(maps), given, convention, variations)
        return io.NodeOutput(latent, report)
