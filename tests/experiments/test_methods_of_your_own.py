import pytest

import colora_theory as ct
from colora_theory.experiments.config import Grid, SweepConfig
from colora_theory.experiments.errors import ConfigError
from colora_theory.experiments.methods import METHODS, register_method
from colora_theory.experiments.plan import make_plan
from colora_theory.experiments.trial import run_chunk, run_plan
from tests.experiments.test_trial import AXES, chunks_of


@pytest.fixture
def own_name():
    yield "one_of_my_own"
    METHODS.pop("one_of_my_own", None)


def test_a_registered_solver_is_run_like_those_of_the_package(own_name):
    register_method(own_name, ct.solvers.AlternatingMinimization())
    grid = Grid(**AXES, method=[own_name, "alternating"])
    table = run_plan(make_plan(SweepConfig(name="tiny", grid=[grid]), "tiny"))
    assert list(table["method"]) == [own_name] * 2 + ["alternating"] * 2
    errors = table.set_index(["method", "seed"])["relative_error"]
    assert errors[own_name].equals(errors["alternating"])


def test_a_solver_that_is_registered_anew_is_compiled_anew(own_name):
    def errors():
        (chunk,) = chunks_of(method=own_name)
        return run_chunk(chunk).column("relative_error").to_pylist()

    register_method(own_name, ct.solvers.AlternatingMinimization())
    first = errors()
    register_method(own_name, ct.solvers.AltGDmin())
    assert errors() != first


def test_results_are_taken_for_those_of_one_registration_only(own_name):
    def name_of_chunk():
        (chunk,) = chunks_of(method=own_name)
        return chunk.id

    register_method(own_name, ct.solvers.AltGDmin())
    first = name_of_chunk()
    assert name_of_chunk() == first
    register_method(own_name, ct.solvers.AltGDmin())
    assert name_of_chunk() != first


def test_the_methods_of_the_package_keep_their_names():
    with pytest.raises(ConfigError, match="'altgdmin' is one of the package"):
        register_method("altgdmin", ct.solvers.AltGDmin())
