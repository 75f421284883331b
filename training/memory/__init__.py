"""How much memory a training needs, and how it gets by with less.

allocations counts what a computation allocates, also without computing; plan has the ways to spare memory and chooses
among them; recomputation and eight_bits are two of these ways. The third, block-wise streaming, is ComfyUI's to do.
"""
