"""The LoRA trainer in plain torch. It knows nothing of ComfyUI: the denoiser and the inputs come in as arguments.

Read it in this order: config, noise, data, bypasses, lora, loss, loop, state.
"""
