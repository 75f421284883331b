"""Textures that tile: making them, repairing them and measuring them.

Sampling: latent_rolls, harmonic_positions (for models without convolutions).
Images: offset, make_seamless (graph_cut), region (a spot cut out and put back), surroundings
(their colours), seam_report.
"""
