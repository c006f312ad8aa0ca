import pytest

from colora_theory.experiments.planning import make, plan_table


def test_the_largest_need_is_the_recommendation():
    table = plan_table(make(16, 20, 20, "3,2", 0.1, 0.2, 0.5, 0.9))
    needs = dict(zip(table.columns[0].cells, map(int, table.columns[1].cells), strict=True))
    assert table.title == f"{max(needs.values())} samples for each of 16 users, limited by {max(needs, key=needs.get)}"


@pytest.mark.parametrize("rank", ["x", "2,2,2", "", "-1"])
def test_a_rank_that_is_none_is_named(rank):
    with pytest.raises(ValueError, match=f"rank '{rank}'"):
        make(16, 20, 20, rank, 0.1, 0.0, 0.5, 0.9)
