"""Watch models train: the server, its API, and the pages people look at."""
