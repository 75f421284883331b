"""Text shown in a node of the running graph."""

import sys


def tell_node(node_id: str | None, text: str) -> None:
    """Show a line of text in the node of the running graph, and to those who listen to the API."""
    module = sys.modules.get("server")  # there is none where a node runs without ComfyUI's server
    if node_id is not None and module is not None and getattr(module.PromptServer, "instance", None) is not None:
        module.PromptServer.instance.send_progress_text(text, node_id)
