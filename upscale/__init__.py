"""Tiled VAE, tiled diffusion, upscale models."""
