"""The LoRA trainer in plain torch. It knows nothing of ComfyUI: the denoiser and the inputs come in as arguments.

Read it in this order: config, noise, data, batches, bypasses, lora, loss, loop, state; graphs is what a GPU may add.
"""
