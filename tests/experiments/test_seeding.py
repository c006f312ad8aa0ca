import dataclasses

import jax
import jax.numpy as jnp
import pytest

from colora_theory.experiments.draw import Draw
from colora_theory.experiments.seeding import key_words, keys

DRAW = Draw(
    num_users=4,
    num_rows=7,
    num_cols=6,
    rank=(3, 2),
    similarity=0.5,
    misalignment=None,
    condition_number=None,
    num_samples=12,
    noise=0.1,
    seed=0,
)


def test_a_key_stays_what_it_was():
    # Written down once: a change here changes every stored table.
    assert key_words(DRAW, "data") == (835928549, 3307650705)


def test_every_axis_the_seed_and_the_role_change_the_key():
    others = {
        "num_users": 5,
        "num_rows": 8,
        "num_cols": 7,
        "rank": (2, 2),
        "similarity": 0.6,
        "misalignment": 0.0,
        "condition_number": 1.0,
        "num_samples": 13,
        "noise": 0.2,
        "seed": 1,
        "design": "rademacher",
        "noise_kind": "student_t",
    }
    assert set(others) == {field.name for field in dataclasses.fields(Draw)}
    words = {key_words(dataclasses.replace(DRAW, **{name: value}), "data") for name, value in others.items()}
    words |= {key_words(DRAW, "data"), key_words(DRAW, "start")}
    assert len(words) == len(others) + 2


def test_the_key_of_a_draw_does_not_depend_on_its_neighbours():
    other = dataclasses.replace(DRAW, seed=7)
    alone = jax.random.key_data(keys([DRAW], "data"))[0]
    assert jnp.array_equal(jax.random.key_data(keys([other, DRAW], "data"))[1], alone)


@pytest.mark.parametrize("x64", [True, False])
def test_single_and_double_precision_share_keys(x64):
    with jax.enable_x64(x64):
        data = jax.random.key_data(keys([DRAW], "data"))
    assert tuple(map(int, data[0])) == key_words(DRAW, "data")
