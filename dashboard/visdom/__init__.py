"""Visdom's protocol: unmodified clients draw into environments of the store."""
