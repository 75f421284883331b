"""Large images, exactly: computed as a whole where they fit in memory, tile by tile where they do not.

The tiled autoencoder: tiled_autoencoder, frame_autoencoder and tiny_autoencoder walk the network over tiled_layers;
tiled_convolution, convolution_geometry, tiles, moments and chunked_attention are one layer; feature_map, offloading,
memory_plan and dry_run decide where what lies between two layers is kept. docs/tiled_vae.md draws the way of a tile.
Diffusion in windows: windows. Upscale models: upscale_tiles.
"""
