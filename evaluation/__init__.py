"""Which checkpoint, at which weight: scoring the pictures of LoRAs, and choosing among them.

A grid: seeds and cells (what is painted), grid (its files) and grid_listing, sheet (its picture), sheet_layout (where
everything stands on it) and lettering (the words on it).
Features of a picture: features, spectrum, standard_scale, pictures, renders, embeddings, aesthetic.
Scores: discrepancy (style), copies, peaks, polynomials, patches and overfit (training renders come back),
loss_transfer, scores, bootstrap (their intervals), image_scores and summary.
The choice: choice, score_grid (from end to end), chart, label_places, words.
"""
