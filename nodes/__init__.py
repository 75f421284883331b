"""What users see: one package per stage of the road, in the order of the work."""
