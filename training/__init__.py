"""The LoRA trainer in plain torch. It knows nothing of ComfyUI: the denoiser and the inputs come in as arguments.

Read it in this order: config, noise, data, batches, lora_layers, lora, loss, loop, state; cuda_graph is what a
GPU may add.
"""
