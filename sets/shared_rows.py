"""Rows of a batch that are the maps of one material, and what each sees of its siblings in self-attention.

Rows are ordered (material, map, window): a batch of two materials with four maps is rows 0 to 3 and 4 to 7. Each row
keeps its own queries; keys and values are those of all rows of its material (IDArb, Li et al. 2024; IntrinsiX, Kocsis
et al. 2025). Attention to copies of one row is attention to that row, so nothing else has to change.
"""

import torch

from ..common.errors import InputError


def joined_rows(tokens: torch.Tensor, maps: int, windows: int = 1, dim: int = 1) -> torch.Tensor:
    """Give each row the tokens of all `maps` rows of its material, one after the other along `dim`.

    (B, ..., N, ...) -> (B, ..., maps N, ...). windows: how many windows each row was cut into; a window sees the same
    window of its siblings. Raises `InputError` for a batch that is no whole number of materials.
    """
    if maps == 1:
        return tokens
    check_rows(len(tokens), maps * windows)
    grouped = tokens.unflatten(0, (-1, maps, windows))
    together = grouped.movedim(1, dim + 1).flatten(dim + 1, dim + 2)  # (materials, windows, ..., maps N, ...)
    return together.unsqueeze(1).expand(-1, maps, *together.shape[1:]).flatten(0, 2)


def check_rows(rows: int, maps: int) -> None:
    """Raise `InputError` where `rows` are no whole number of materials with so many maps."""
    if rows % maps:
        raise InputError(
            f"The latent has {rows} images, but a material of this model has {maps} maps, so there must be {maps}, "
            f"{2 * maps}, {3 * maps} or so. Make it with Empty Material Set Latent or Given Maps, with the same maps "
            "as Material Set Model."
        )
