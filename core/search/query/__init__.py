"""From texts, images and items to one query vector."""
