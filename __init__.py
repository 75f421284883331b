"""Tilewright: from a texture artist's own renders to a LoRA, and from it to seamless materials."""

from comfy_api.latest import ComfyExtension, io

from .host.routes import register_routes
from .nodes import captions, dataset, evaluation, material, seamless, training, upscale
from .nodes.given_values import checking_values

WEB_DIRECTORY = "./web"

register_routes()


class TilewrightExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        stages = [dataset, captions, training, evaluation, seamless, upscale, material]
        return [checking_values(node) for stage in stages for node in stage.NODES]


async def comfy_entrypoint() -> TilewrightExtension:
    return TilewrightExtension()
