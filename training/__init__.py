"""The LoRA trainer: plain torch, readable top to bottom. It never imports ComfyUI."""
