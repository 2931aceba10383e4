"""Ask a store in SQL, without being able to change it."""


def add_arguments(parser):
    pass
