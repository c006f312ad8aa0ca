"""A guest: the theory's adapters on a pre-trained sentence encoder."""
