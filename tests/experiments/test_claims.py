import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from colora_theory.experiments import cli, sweeps, table
from colora_theory.experiments.claims import estimates, ledger
from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.evidence import Attains, Evidence, Inside, NoDataError, Verdict
from colora_theory.experiments.claims.ledger import CLAIMS
from colora_theory.experiments.claims.verify import failures, judge, verify
from colora_theory.experiments.commands import sweeping
from colora_theory.experiments.presets import PRESETS
from colora_theory.experiments.provenance import source_hash
from colora_theory.experiments.sweep import Sweep
from tests.experiments.claim_tables import CASES, efficiency, frame, noisy


def test_every_claim_has_its_tables():
    assert set(CASES) == set(CLAIMS)


@pytest.mark.parametrize("name", CLAIMS)
def test_an_entry_is_complete(name):
    claim = CLAIMS[name]
    assert claim.name == name
    assert claim.statement.endswith(".")
    assert claim.prediction
    assert claim.preset in PRESETS
    assert claim.sweep in sweeps.SWEEPS
    assert set(claim.columns) <= set(table.SCHEMA.names) | set(table.FAMILY_SCHEMA.names) | set(frame().columns)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_can_hold_and_be_refuted(name):
    claim, case = CLAIMS[name], CASES[name]
    for make, verdict in ((case.holds, Verdict.HOLDS), (case.refuted, Verdict.REFUTED)):
        found = judge(claim, make())
        assert found.verdict is verdict, found
        assert found.evidence.low <= found.evidence.value <= found.evidence.high
        assert found.evidence.count > 0


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_without_rows_or_columns_has_no_data(name):
    claim, rows = CLAIMS[name], CASES[name].holds()
    empty = judge(claim, rows.iloc[:0])
    assert (empty.verdict, empty.evidence) == (Verdict.NO_DATA, None)
    assert empty.reason
    for column in claim.columns:
        assert judge(claim, rows.drop(columns=column)).reason == f"the table has no column {column}"


def test_efficiency_above_its_ceiling_is_refuted_and_close_to_it_undecided():
    assert judge(CLAIMS["efficiency"], efficiency(1.2)).verdict is Verdict.REFUTED
    assert judge(CLAIMS["efficiency"], efficiency(1.06)).verdict is Verdict.UNDECIDED


def test_a_run_that_left_no_number_counts_against_its_method():
    rows = noisy(5.0)
    rows.loc[rows["method"] == "alternating", "mean_squared_error"] = math.nan
    assert judge(CLAIMS["personal_cores_beat_one_adapter"], rows).verdict is Verdict.REFUTED
    rows["mean_squared_error"] = math.nan
    assert judge(CLAIMS["personal_cores_beat_one_adapter"], rows).verdict is Verdict.NO_DATA


@pytest.mark.parametrize(
    ("rule", "value", "low", "high", "verdict"),
    [
        (Inside(low=0.9), 1.0, 0.91, 1.0, Verdict.HOLDS),
        (Inside(low=0.9), 1.0, 0.84, 1.0, Verdict.UNDECIDED),
        (Inside(low=0.9), 0.5, 0.3, 0.89, Verdict.REFUTED),
        (Inside(high=0.5), 0.6, 0.51, 0.7, Verdict.REFUTED),
        (Inside(1.0, 2.0), 1.5, 0.5, math.inf, Verdict.UNDECIDED),
        (Attains(1.0, 1.05), 0.99, 0.97, 1.01, Verdict.HOLDS),
        (Attains(1.0, 1.05), 0.97, 0.95, 0.99, Verdict.REFUTED),
        (Attains(1.0, 1.05), 1.06, 1.04, 1.08, Verdict.UNDECIDED),
        (Attains(1.0, 1.05), 1.08, 1.06, 1.1, Verdict.REFUTED),
    ],
)
def test_rules(rule, value, low, high, verdict):
    assert rule.judge(Evidence(value, low, high, 10)) is verdict


def test_what_is_not_a_number_is_no_evidence():
    with pytest.raises(NoDataError, match="the high of the estimate from 7 rows is not a number"):
        Evidence(1.0, 0.0, math.nan, 7)


def test_too_few_rows_are_named_with_the_bound():
    with pytest.raises(NoDataError, match="3 rows to judge by, at least 4 are needed"):
        estimates.median(pd.Series([1.0, 2.0, 3.0]), least=4)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    drawn = [pd.Series(rng.exponential(size=40)) for _ in range(200)]
    true = {estimates.median: math.log(2), estimates.mean: 1.0}
    for estimate, truth in true.items():
        found = [estimate(values, 4) for values in drawn]
        # 95% of 200, less five standard errors and what 40 skewed draws cost a normal interval.
        assert sum(evidence.low <= truth <= evidence.high for evidence in found) >= 170
        assert any(truth < evidence.low or truth > evidence.high for evidence in found)


def test_a_difference_of_shares_has_newcombes_interval():
    # Newcombe (1998), his example of 56 of 70 against 48 of 80, method 10.
    more, fewer = pd.Series([True] * 56 + [False] * 14), pd.Series([True] * 48 + [False] * 32)
    found = estimates.difference(more, fewer, least=10)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_the_slope_is_the_power():
    rows = frame(num_samples=[10, 20, 40])
    found = estimates.slope(rows["num_samples"], 3 * rows["num_samples"] ** -1.5, least=3)
    assert (found.value, found.low, found.high) == pytest.approx((-1.5,) * 3)
    with pytest.raises(NoDataError, match="two values"):
        estimates.slope(rows["seed"] * 0 + 1, rows["num_samples"], least=3)


def test_another_claim_makes_no_table_stale(monkeypatch):
    read = []
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.parts) or b"")
    source_hash.__wrapped__()
    assert any("trial.py" in parts for parts in read)
    assert not any({"claims", "figures"} & set(parts) for parts in read)


def _recovered(rows: pd.DataFrame) -> Evidence:
    return estimates.share_of_all(rows["relative_error"] < 1e-6, 1)


CLAIM = Claim("tiny", "It works.", Source.OURS, "tiny", "all work", ("relative_error",), _recovered, Inside(low=1.0))


@pytest.fixture
def tiny(monkeypatch, config, plan, store):
    """A registry of one sweep and one claim; returns what stores a table in which every run has the given error."""
    monkeypatch.setattr(sweeps, "SWEEPS", {"tiny": Sweep("tiny", "It.", "Not.", dict.fromkeys(PRESETS, config.grid))})
    from_smoke = Claim(**{**vars(CLAIM), "preset": "smoke"})
    from_full = Claim(**{**vars(CLAIM), "name": "large", "preset": "full"})
    monkeypatch.setattr(ledger, "CLAIMS", {"tiny": from_smoke, "large": from_full})

    def write(error: float) -> None:
        store.prepare(plan)
        for chunk in plan.chunks:
            rows = pa.Table.from_pylist([{"relative_error": error}] * chunk.num_cells, schema=table.SCHEMA)
            store.write_chunk(plan, chunk, rows, {})
        store.write_table(plan)

    return write


def colora(*arguments) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
    return result.exit_code, result.stdout, result.stderr


def test_verify_judges_prints_and_stores(tiny, store):
    tiny(1e-12)
    code, out, err = colora("verify", "--preset", "smoke", "--results", store.root)
    assert code == 0
    assert re.search(r"tiny .* all work .* 1, 8 rows .* HOLDS", out)
    assert "NOT ASKED" in out
    assert "2 claims: 1 HOLDS, 0 REFUTED, 0 UNDECIDED, 0 NO DATA, 1 NOT ASKED" in err
    document = json.loads((store.root / "verdicts-smoke.json").read_text())
    assert document["preset"] == "smoke"
    kept, unasked = document["verdicts"]
    assert (kept["name"], kept["verdict"], kept["value"], kept["count"]) == ("tiny", "HOLDS", 1.0, 8)
    assert unasked["verdict"] == "NOT ASKED"
    assert list(store.root.glob(".*")) == []


def test_a_refuted_claim_fails(tiny, store):
    tiny(1.0)
    code, out, err = colora("verify", "tiny", "--preset", "smoke", "--results", store.root)
    assert code == 1
    assert "REFUTED" in out
    assert "failed: tiny" in err
    assert not (store.root / "verdicts-smoke.json").exists()


def test_reproduce_fails_where_a_claim_is_refuted(tiny, store, monkeypatch):
    """Only after the page is written, which is what one looks at then."""
    monkeypatch.setattr(sweeping, "_run", lambda *_: {"complete": True})
    monkeypatch.setattr(sweeping, "draw_figures", lambda *_: [])
    pages = []
    monkeypatch.setattr(sweeping, "write_report", lambda preset, results, out: pages.append(out))
    for error, expected in ((1e-12, 0), (1.0, 1)):
        tiny(error)
        arguments = ("reproduce", "--preset", "smoke", "--results", store.root, "--out", store.root / "drawn")
        code, out, err = colora(*arguments)
        assert code == expected
        assert ("refuted: tiny" in err) == bool(expected)
        assert ("REFUTED" in out) == bool(expected)
        code, out, _ = colora(*arguments, "--json")
        told = json.loads(out)
        assert code == expected
        assert told["verdicts"][0]["verdict"] == ("REFUTED" if expected else "HOLDS")
    assert pages == [store.root / "drawn" / "report.html"] * 4


def test_missing_and_foreign_tables_are_no_data(tiny, store, monkeypatch, config):
    code, out, _ = colora("verify", "--preset", "smoke", "--results", store.root)
    assert code == 1
    assert "there is no table" in out
    tiny(1e-12)
    louder = [grid.model_copy(update={"noise": 0.1}) for grid in config.grid]
    monkeypatch.setattr(sweeps, "SWEEPS", {"tiny": Sweep("tiny", "It.", "Not.", {"smoke": louder})})
    (found,) = verify([ledger.CLAIMS["tiny"]], store, "smoke")
    assert found.verdict is Verdict.NO_DATA
    assert "other grids" in found.reason
    monkeypatch.setattr(sweeps, "SWEEPS", {})
    (found,) = verify([ledger.CLAIMS["tiny"]], store, "smoke")
    assert (found.verdict, "unknown sweep 'tiny'" in found.reason) == (Verdict.NO_DATA, True)


def test_undecided_fails_only_if_strict(monkeypatch, tiny, store):
    tiny(1e-12)
    unsure = Claim(**{**vars(CLAIM), "preset": "smoke", "statistic": lambda _: Evidence(0.9, 0.5, 1.0, 8)})
    monkeypatch.setattr(ledger, "CLAIMS", {"tiny": unsure})
    judgements = verify([unsure], store, "smoke")
    assert [judgement.verdict for judgement in judgements] == [Verdict.UNDECIDED]
    assert failures(judgements, strict=False) == []
    arguments = ["verify", "--preset", "smoke", "--results", store.root]
    assert [colora(*arguments)[0], colora(*arguments, "--strict")[0]] == [0, 1]


def test_open_intervals_are_stored_as_null(monkeypatch, tiny, store):
    tiny(1e-12)
    unbounded = Claim(**{**vars(CLAIM), "preset": "smoke", "statistic": lambda _: Evidence(1.0, 0.5, math.inf, 8)})
    monkeypatch.setattr(ledger, "CLAIMS", {"tiny": unbounded})
    colora("verify", "--preset", "smoke", "--results", store.root)
    (kept,) = json.loads((store.root / "verdicts-smoke.json").read_text())["verdicts"]
    assert (kept["value"], kept["low"], kept["high"]) == (1.0, 0.5, None)


def test_verdicts_that_cannot_be_kept_have_a_code_of_their_own(tiny, tmp_path):
    (tmp_path / "results").write_text("in the way")
    code, _, err = colora("verify", "--preset", "smoke", "--results", tmp_path / "results")
    assert code == 3
    assert f"cannot write to the results folder {tmp_path / 'results'}" in err


def test_list_shows_the_ledger():
    code, out, _ = colora("verify", "--list")
    assert code == 0
    for name in CLAIMS:
        assert name[:12] in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recovry"], "unknown claim 'recovry'; did you mean 'recovery'?"),
        (["nope"], "error: unknown claim 'nope'; known: "),
        (["recovery", "--preset", "smoky"], "unknown preset 'smoky'; did you mean 'smoke'?"),
    ],
)
def test_unknown_names_are_bad_input(arguments, message, tmp_path):
    code, _, err = colora("verify", *arguments, "--results", tmp_path)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
