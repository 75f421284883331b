"""The in-graph trainer: ComfyUI's MODEL, CLIP and VAE and a dataset go in, a LoRA comes out.

The MODEL and CLIP that were given are only read. The network that trains is a separate UNet that shares their weights.
order has what a node asks for, run trains it (in_processes: beside the graph).
Before: checks, latents, text_conditioning, flow_texts, and trained, which knows the MODEL as trained_unet or
trained_flow. Set up: model (the UNet), memory, setup, identity. On the way: output, live_view, preflight.
"""
