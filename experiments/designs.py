"""The designs and the kinds of noise a grid can name: adding one is one entry."""

import colora_theory as ct

DESIGNS: dict[str, ct.designs.AbstractDesign] = {
    "gaussian": ct.designs.Gaussian(),
    "rademacher": ct.designs.Rademacher(),
    "student_t": ct.designs.StudentT(3.0),
    **{f"correlated_{condition}": ct.designs.Correlated(float(condition)) for condition in (3, 10, 30, 100)},
    **{f"unequal_{condition}": ct.designs.UnequallyCorrelated(float(condition)) for condition in (3, 10)},
    "rank_one": ct.designs.RankOneGaussian(),
    "vector_output": ct.designs.VectorOutputGaussian(),
    "entries": ct.designs.UniformEntries(),
}

NOISE_KINDS: dict[str, ct.designs.AbstractNoise] = {
    "gaussian": ct.designs.GaussianNoise(),
    "student_t": ct.designs.StudentTNoise(3.0),
    "heteroscedastic": ct.designs.HeteroscedasticNoise(100.0),
}
