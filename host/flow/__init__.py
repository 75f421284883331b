"""The host's flow transformers as the trainer and the seamless nodes take them.

families: which there are and what sets them apart. network: an own frozen copy that autograd can pass through, and the
layers to train. trainable: what the host does in place or without gradients, set right while a run lasts. positions:
rotary positions that close on themselves.
"""
