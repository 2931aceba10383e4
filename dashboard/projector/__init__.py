"""The Projector page's server side: clouds of vectors, what they are projected with, and by whom."""
