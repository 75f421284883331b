"""The LoRA trainer in plain torch. It knows nothing of ComfyUI: the denoiser and the inputs come in as arguments.

Read it in this order: settings and config/ (a setting is declared once), noise and flow, data and text_rows, captions,
material_sets, batches, lora_layers, lora, loss, optimizers, loop, measure, state; cuda_graph is what a GPU may add,
parallel what several processes share, exported_run a run as a folder, randomness what makes a step repeatable.
Before a run: preflight, vae_check, bucket_resize, tensor_cache. Its files: run_files, checkpoint, metadata. What it
shows: plot, pace, sampling; to the editor and to scripts: run_log, run_status, reference_pictures,
sample_files. What they ask of it: run_controls. demo/ trains the small model that ships with the pack.
"""
