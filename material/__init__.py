"""Read maps, height, normals, occlusion, packing, export."""
