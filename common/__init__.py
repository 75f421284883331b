"""What two stages share, one concept per module, below both of them."""
