"""Reference software for the theory of collaborative low-rank adaptation (CoLoRA).

k users fine-tune one frozen model together, W_i = W_0 + U C_i V^T: shared subspaces U and V, personal cores C_i.

What is public stands in `__init__.pyi`, and is imported where it is first used: the command line answers without JAX.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
