"""Programs to copy from: each trains something small with data that needs no download."""
