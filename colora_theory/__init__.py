"""Reference software for the theory of collaborative low-rank adaptation (CoLoRA)."""
