"""How older stores become current ones. One file a version, run by ``storage.migrate``."""
