"""Joint gradient descent on all three blocks."""

from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.problem import Problem
from colora_theory.solvers.base import AbstractSolver, State
from colora_theory.solvers.first_order import descend, state_at
from colora_theory.solvers.linearization import Linearization


class GradientDescent(AbstractSolver):
    """A gradient step on U, the cores and V at once, from balanced factors.

    The step is `step_size` times the exact one along the gradient, for measurements linearized at the iterate.
    Balanced factors give the three blocks curvatures of the same size, and gradient flow keeps them balanced. The
    exact step itself zigzags; a somewhat shorter one does not (relaxed steepest descent: Raydan and Svaiter,
    Computational Optimization and Applications 21, 2002).

    Attributes:
        step_size: the step as a multiple of the exact one; stable below 2.
    """

    step_size: float | Float[Array, ""] = 0.9

    def init(self, problem: Problem, factors: Factors) -> State:
        return _state(Linearization.at(problem, factors.balance()), None)

    def step(self, problem: Problem, state: State) -> State:
        return _state(Linearization.at(problem, descend(state, self.step_size)), state.memory.curvature)


def _state(model: Linearization, curvature: Float[Array, ""] | None) -> State:
    descent = model.transpose(model.residual)
    image = model.apply(descent)
    return state_at(model, descent, image, image, curvature)
