"""Time and accuracy of our solvers against public packages; run from the root of the repository."""
