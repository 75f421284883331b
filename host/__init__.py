"""Everything that touches ComfyUI beyond its public node API (comfy_api.latest), which may change with any version.

Its surroundings: folders (what a workflow may use), offers (what there is to choose), scripts (what it may run),
progress, node_text, reruns.
Its models: protocols (what MODEL, CLIP and VAE have), networks, architecture, training (what they are made of),
weights, latent_format, flow/ (transformers), model_digest, demo_model, unet_blocks.
Their weights in training: frozen_weights (shared, or in 8 bits), block_stream (brought from main memory).
Models that tile: wrapped_unet, wrapped_transformer, wrapped_axes, sampling_steps; image_latents: what they are given.
Models that work in tiles: tiled_vae, tiled_diffusion, tiled_transformer, upscale_model.
out_of_memory: which errors say that it has run out.
Others' models: captioners, clip_scores, clip_tokens; weight_files reads what a user gives. Captions by hand: edit_sets.
Material sets: material_sets (rows that are maps of one material), shared_attention (what they see of each other),
given_maps and set_prompts (their latents and texts).
Grids: painting, lora_files (with lora_patches, what ComfyUI makes of them, and lora_remainders, what of them is left
out), lora_grid, screening, scored_grid.
The editor's views: routes/, what they may ask over HTTP; viewed_files, what they fetch from temp.
The trainer: in_graph/ in the graph, run_outside/ outside it, sd_scripts/ through kohya's scripts; run_record is what
they tell of a run.
"""
