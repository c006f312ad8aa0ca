import pytest

from benchmarks import floor
from benchmarks.errors import BenchError
from benchmarks.sizes import SIZES, Size
from benchmarks.store import FLOOR, Store


def test_the_flops_of_a_step_are_counted_by_hand():
    # N = 10, p = 1, q = 3 + 2.
    size = Size("hand", 2, 3, 2, (1, 1), 5)
    products, cores, designs = 2 * 10 * 6 * 2, 2 * 10 * 3 + 10 + 2 / 3, 2 * 10 * 5
    alternating = 10 * (9 + 4) + (27 + 8) / 3
    projection = 10 * 25 + 2 * 10 * 5 + 2 * (2 * 5 + 25) + 125 / 3
    assert floor.step_flops(size, "AlternatingMinimization") == pytest.approx(products + cores + designs + alternating)
    assert floor.step_flops(size, "VariableProjection") == pytest.approx(products + cores + designs + projection)


def test_the_products_with_the_data_are_four_k_n_d1_d2_r():
    size = SIZES["L"]
    products = 4 * size.num_users * size.num_samples * size.num_rows * size.num_cols * size.rank[0]
    assert products < floor.step_flops(size, "AlternatingMinimization") < 4 * products


def test_a_solver_that_is_not_counted_is_said_so():
    with pytest.raises(BenchError, match="known: VariableProjection, AlternatingMinimization"):
        floor.step_flops(SIZES["T"], "Newton")


def test_a_row_for_every_size_and_solver(tmp_path, monkeypatch):
    monkeypatch.setattr(floor, "_READ", 2**20)
    monkeypatch.setattr(floor, "_SQUARE", 50)
    monkeypatch.setattr(floor, "_measure", lambda size, solver, root: (1e-3, size.data_bytes))
    store = Store(tmp_path)
    floor.run([SIZES["T"]], store, lambda _: None)
    rows = store.read("floor")
    assert rows["solver"].tolist() == list(floor.SOLVERS)
    assert rows.columns.tolist() == FLOOR.names
    assert (rows["floor_seconds"] > 0).all()
    assert (rows["bandwidth"] > 1e8).all()
