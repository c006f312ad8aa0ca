"""What carries chunks to where they are computed, and brings their rows back; what a chunk is, `runner` decides."""
