import pytest
from typer.testing import CliRunner

from colora_theory import TaskFamily
from colora_theory.experiments.cli import app
from colora_theory.experiments.planning import Specification, make, plan_table


def test_the_largest_need_is_the_recommendation():
    table = plan_table(make(Specification(TaskFamily(16, 20, 20, (3, 2), 0.5), 0.1, 0.2, 0.9)))
    needs = dict(zip(table.columns[0].cells, map(int, table.columns[1].cells), strict=True))
    assert table.title == f"{max(needs.values())} samples for each of 16 users, limited by {max(needs, key=needs.get)}"


@pytest.mark.parametrize("rank", ["x", "2,2,2", "", "-1"])
def test_a_rank_that_is_none_is_named(rank):
    line = ["plan", "--users", "16", "--rows", "20", "--cols", "20", f"--rank={rank}", "--target", "0.1"]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 2
    assert f"rank '{rank}'" in result.stderr
