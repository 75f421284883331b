"""ComfyUI's inside: all that its public node API (comfy_api.latest) does not promise to keep is touched here only.

folders.py: the folders a workflow may use · progress.py: progress bar and cancelling · networks.py, architecture.py,
training.py: what models, VAEs and text encoders are made of · wrapped_unet.py, wrapped_transformer.py: models that
tile · tiled_vae.py, tiled_diffusion.py, upscale_model.py: large images · captioners.py: caption models ·
demo_model.py: the model that ships with the pack · in_graph/: the trainer in the graph · sd_scripts/: the same
through kohya's scripts.
"""
