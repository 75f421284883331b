"""How deep and how wide the surface is that a height map shows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SurfaceSize:
    """height_cm is what a height rises from 0 to 1, size_cm the width of the image, both in cm."""

    height_cm: float
    size_cm: float

    def __str__(self) -> str:
        return (
            f"The height spans {self.height_cm:.4g} cm and the image {self.size_cm:.4g} cm, as the surface input says."
        )
