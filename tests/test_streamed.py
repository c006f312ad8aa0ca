"""Matrices that stay in a file, beside the same matrices in memory."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.sensing import Dense, Streamed
from colora_theory.streaming import StreamError, available_memory, open_matrices, plain_errors

USERS, SAMPLES, ROWS, COLS, R1, R2 = 3, 10, 5, 4, 3, 2
ONE = ROWS * COLS * 8  # bytes of a matrix
MATRICES = np.random.default_rng(3).standard_normal((USERS, SAMPLES, ROWS, COLS))
MEASURED = np.random.default_rng(4).standard_normal((USERS, SAMPLES))


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def saved(tmp_path, matrices=MATRICES):
    np.save(tmp_path / "A.npy", matrices)
    return tmp_path / "A.npy"


def streamed(path, lengths=None, rows=7):
    """Blocks of some matrices: they end in the midst of users."""
    return Streamed.of(open_matrices(path, lengths, block_bytes=rows * ONE))


def products(operator):
    """What solvers and starts ask of an operator."""
    users, samples = operator.weights_shape[0], operator.num_samples
    left, right, measurements = normal(1, ROWS, R1), normal(2, COLS, R2), normal(3, users, samples)
    scale = jnp.abs(normal(4, users, samples))
    return (
        operator(normal(5, users, ROWS, COLS)),
        operator.adjoint(measurements),
        operator.pooled_adjoint(jnp.stack([measurements, scale])),
        operator.restrict_right(right, scale),
        operator.restrict_left(left, scale),
        operator.restrict_both(left, right, scale),
        operator.side_covariances(scale / jnp.sum(scale)),
    )


def assert_same(ours, expected, rtol=1e-12):
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("rows", [1, 7, 1000], ids=["single", "across-users", "all"])
def test_every_product_is_that_of_matrices_in_memory(tmp_path, rows):
    assert_same(products(streamed(saved(tmp_path), rows=rows)), products(Dense.from_matrices(jnp.asarray(MATRICES))))


def test_some_users_are_those_that_follow_each_other(tmp_path):
    operator = streamed(saved(tmp_path))
    expected = Dense.from_matrices(jnp.asarray(MATRICES)[1:])
    assert_same(products(operator.take_users(slice(1, 3))), products(expected))
    assert operator.sample_users(2) == slice(0, 2)
    with pytest.raises(ValueError, match="every 2th user"):
        operator.take_users(slice(0, 3, 2))


def test_other_sides_other_samples_other_users(tmp_path):
    """All at once: the first samples of one of the users, in other variables twice."""
    maps = [(normal(6, ROWS, ROWS), None), (normal(7, ROWS, ROWS), normal(8, COLS, COLS))]
    ours, expected = streamed(saved(tmp_path)), Dense.from_matrices(jnp.asarray(MATRICES))
    for row_map, col_map in maps:
        ours, expected = ours.transform_sides(row_map, col_map), expected.transform_sides(row_map, col_map)
    ours, expected = ours.take_samples(8), expected.take_samples(8)
    assert ours.num_samples == 8
    last = [jax.tree.map(lambda leaf: leaf[2], each.split_users()) for each in (ours, expected)]
    assert_same(products(last[0]), products(last[1]), rtol=1e-11)


def test_users_under_vmap_and_all_as_one(tmp_path):
    ours, weights = streamed(saved(tmp_path)), normal(1, USERS, ROWS, COLS)
    each = jax.vmap(lambda own, own_weights: own(own_weights[None])[0])(ours.split_users(), weights)
    np.testing.assert_allclose(each, ours(weights), rtol=1e-13)
    merged = Dense.from_matrices(jnp.asarray(MATRICES.reshape(1, -1, ROWS, COLS)))
    np.testing.assert_allclose(ours.merge_users()(weights[:1]), merged(weights[:1]), rtol=1e-13)
    with pytest.raises(ValueError, match="can be merged as a whole only"):
        ours.take_samples(3).merge_users()


def test_unequal_users(tmp_path):
    lengths = [4, 0, 10]
    parts = [MATRICES[user, :length] for user, length in enumerate(lengths)]
    ours = streamed(saved(tmp_path, np.concatenate(parts)), lengths, rows=3)
    padded = np.where(np.arange(SAMPLES)[:, None, None] < np.reshape(lengths, (-1, 1, 1, 1)), MATRICES, 0.0)
    assert_same(products(ours), products(Dense.from_matrices(jnp.asarray(padded))))


def test_float32_data_are_multiplied_in_float64(tmp_path):
    """The products are those of the rounded numbers in double precision; that they were rounded stays."""
    single = MATRICES.astype(np.float32)
    ours, weights = streamed(saved(tmp_path, single)), normal(1, USERS, ROWS, COLS)
    np.testing.assert_allclose(ours(weights), Dense.from_matrices(jnp.asarray(single, float))(weights), atol=1e-13)
    assert ours(weights.astype(jnp.float32)).dtype == jnp.float32


@pytest.mark.parametrize("shape", [(USERS, SAMPLES, ROWS, COLS), (USERS * SAMPLES, ROWS, COLS)], ids=["4-d", "3-d"])
@pytest.mark.parametrize("chunks", [(2, 10), (1, 5), (2, 3)])
def test_zarr(tmp_path, shape, chunks):
    zarr = pytest.importorskip("zarr")
    chunks = (*chunks[4 - len(shape) :], ROWS, COLS)
    array = zarr.create_array(str(tmp_path / "A.zarr"), shape=shape, chunks=chunks, dtype="f8")
    array[:] = MATRICES.reshape(shape)
    lengths = None if len(shape) == 4 else [4, 6, 20]
    stored = open_matrices(tmp_path / "A.zarr", lengths, block_bytes=12 * ONE)
    assert stored.block_rows % stored.granule == 0
    read = [matrices.copy() for _, matrices in stored.read(0, len(stored.lengths), max(stored.lengths))]
    np.testing.assert_array_equal(np.concatenate(read), MATRICES.reshape(-1, ROWS, COLS))
    # A lost chunk would read as zeros.
    next(path for path in (tmp_path / "A.zarr" / "c").rglob("*") if path.is_file()).unlink()
    with pytest.raises(StreamError, match="has changed"):
        next(stored.read(0, 1, 1))


@pytest.mark.parametrize(
    ("solver", "start"),
    [
        (ct.solvers.VariableProjection(), ct.starts.Stacked()),
        pytest.param(ct.solvers.AlternatingMinimization(), ct.starts.Pooled(), marks=pytest.mark.long),
        pytest.param(ct.solvers.AltGDmin(), ct.starts.Stacked(), marks=pytest.mark.long),
    ],
    ids=["variable-projection", "alternating", "altgdmin"],
)
def test_a_solve_is_that_in_memory(tmp_path, instance, capfd, solver, start):
    """As many steps as the first needs for all digits; and the same program says plainly that the file is lost."""
    dense = instance.problem
    path = saved(tmp_path, np.asarray(dense.sensing.matrices))
    problem = ct.Problem.streamed(path, np.asarray(dense.targets), block_bytes=2**13)
    ours, expected = (ct.solve(each, solver, start, rank=(3, 2), max_steps=8) for each in (problem, dense))
    assert int(ours.num_steps) == int(expected.num_steps)
    np.testing.assert_allclose(ours.weights, expected.weights, atol=1e-10)
    np.testing.assert_allclose(ours.relative_residual, expected.relative_residual, rtol=1e-9, atol=1e-14)
    path.unlink()
    with pytest.raises(StreamError, match=r"A.npy can no longer be read: No such file or directory$"):
        ct.fit(problem, rank=(3, 2), solver=solver, start=start, max_steps=8)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("solver", "start"),
    [
        (ct.solvers.AlternatingMinimization(), ct.starts.Pooled()),
        pytest.param(ct.solvers.AltGDmin(), ct.starts.Stacked(), marks=pytest.mark.long),
    ],
    ids=["alternating", "altgdmin"],
)
def test_a_step_is_that_in_memory(tmp_path, solver, start):
    problems = ct.Problem.streamed(saved(tmp_path), MEASURED), ct.Problem.dense(MATRICES, MEASURED)

    @jax.jit
    def first_step(problem):
        return solver.step(problem, solver.init(problem, start(problem, (2, 2), jax.random.key(0))))

    ours, expected = (first_step(problem) for problem in problems)
    np.testing.assert_allclose(ours.factors.compose(), expected.factors.compose(), atol=1e-10)
    np.testing.assert_allclose(ours.loss, expected.loss, rtol=1e-10)


def test_a_linearization_reads_the_file_once(tmp_path):
    problem = ct.Problem.streamed(saved(tmp_path), MEASURED)
    factors = ct.Factors(normal(1, ROWS, R1), normal(2, USERS, R1, R2), normal(3, COLS, R2))
    traced = jax.make_jaxpr(ct.solvers.AltGDmin().init)(problem, factors)
    assert str(traced).count("pure_callback[") == 1


def damaged(path, how):
    if how == "gone":
        path.unlink()
    elif how == "shorter":
        os.truncate(path, path.stat().st_size - ONE)
    else:
        matrices = np.load(path)
        matrices[2, 3, 1, 0] = np.nan if how == "nan" else np.inf
        before = path.stat()
        np.save(path, matrices)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("gone", "A.npy can no longer be read: No such file"),
        ("shorter", "A.npy has changed since the problem was made"),
        ("nan", r"A.npy is nan at user 2, sample 3, entry \(1, 0\): data must be finite"),
        ("infinite", r"A.npy is inf at user 2, sample 3, entry \(1, 0\): data must be finite"),
    ],
)
def test_what_happens_to_the_file_is_said(tmp_path, how, message):
    path = saved(tmp_path)
    operator = streamed(path)
    damaged(path, how)
    with pytest.raises(StreamError, match=message), plain_errors():
        jax.block_until_ready(
            operator.restrict_both(normal(1, ROWS, R1), normal(2, COLS, R2), normal(3, USERS, SAMPLES))
        )


def test_a_file_that_shrinks_within_a_pass(tmp_path):
    path = saved(tmp_path)
    blocks = open_matrices(path, block_bytes=3 * ONE).read(0, USERS, SAMPLES)
    next(blocks)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(StreamError, match=r"A.npy ends at byte \d+: it has become shorter"):
        list(blocks)


def test_a_file_that_changes_within_a_pass(tmp_path):
    path = saved(tmp_path)
    blocks = open_matrices(path, block_bytes=3 * ONE).read(0, USERS, SAMPLES)
    next(blocks)
    np.save(path, 2 * MATRICES)
    # For a moment the file is empty, which the thread that reads ahead may see.
    with pytest.raises(StreamError, match=r"has changed|has become shorter"):
        list(blocks)


@pytest.mark.parametrize(
    ("matrices", "measurements", "error", "message"),
    [
        (MATRICES[0, 0], np.ones((USERS, SAMPLES)), ValueError, r"has shape \(5, 4\)"),
        (MATRICES, np.ones((USERS, 9)), ValueError, "user 0 has 10 samples in .* and 9 measurements"),
        (MATRICES, np.ones((2, SAMPLES)), ValueError, "has 3 users, the measurements have 2"),
        (MATRICES[0], np.ones((2, SAMPLES)), ValueError, "has 10 samples of all users, the measurements are 20"),
        (MATRICES[:, :0], np.ones((USERS, 1)), ValueError, r"has shape \(3, 0, 5, 4\)"),
        (MATRICES.astype(int), np.ones((USERS, SAMPLES)), TypeError, "dtype int64: float32 or float64"),
        (np.asfortranarray(MATRICES), np.ones((USERS, SAMPLES)), ValueError, "column by column"),
        (MATRICES.astype(object), np.ones((USERS, SAMPLES)), StreamError, "cannot be read"),
        (MATRICES, np.full((USERS, SAMPLES), np.nan), ValueError, "y is nan"),
    ],
)
def test_bad_files_are_named(tmp_path, matrices, measurements, error, message):
    with pytest.raises(error, match=message):
        ct.Problem.streamed(saved(tmp_path, matrices), measurements)


def test_what_is_no_file_of_matrices(tmp_path):
    (tmp_path / "note.npy").write_text("not an array")
    for name, message in (
        ("note.npy", "neither a .npy file nor"),
        ("none.npy", "No such file"),
        (".", "cannot be read"),
    ):
        with pytest.raises(StreamError, match=message):
            open_matrices(tmp_path / name)
    with pytest.raises(ValueError, match="block_bytes 0"):
        open_matrices(saved(tmp_path), block_bytes=0)
    with pytest.raises(ValueError, match="number of samples of each user is needed"):
        open_matrices(saved(tmp_path, MATRICES[0]))


def test_offset_and_weights(tmp_path):
    """Of a checked door, beside the one for matrices in memory."""
    offset, weights = np.asarray(normal(9, ROWS, COLS)), np.asarray(jnp.abs(normal(8, USERS, SAMPLES)))
    data = {"y": np.ones((USERS, SAMPLES)), "sample_weights": weights, "offset": offset}
    ours, expected = ct.Problem.streamed(saved(tmp_path), **data), ct.Problem.dense(MATRICES, **data)
    assert_same((ours.targets, ours.sample_weights, ours.moments()), (expected.targets, weights, expected.moments()))


def test_memory_is_that_of_this_machine():
    assert 2**20 < available_memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
