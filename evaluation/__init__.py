"""Which checkpoint, at which weight: measuring what LoRAs paint, and choosing among them."""
