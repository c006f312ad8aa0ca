"""An information criterion with the degrees of freedom of the model."""

import math


def information_criterion(squares: float, measurements: int, unknowns: int) -> float:
    """The Bayesian information criterion N log(RSS / N) + DoF log N of independent Gaussian noise of unknown size.

    Schwarz, Annals of Statistics 6 (1978) 461, with the dimension of the set of all (W_1 .. W_k) as the number of
    parameters: what a change of basis cannot tell apart is not counted. Half the difference of two values is the log
    of the odds between two models, to the leading order in N.

    Args:
        squares: RSS, the sum of squared residuals.
        measurements: N.
        unknowns: DoF of the model, see `theory.degrees_of_freedom`.

    Raises:
        ValueError: for squares or measurements that are not positive.
    """
    if not squares > 0:
        raise ValueError(f"squares {squares} is not positive: data that are met exactly have no noise to be estimated")
    if measurements < 1:
        raise ValueError(f"measurements {measurements} is below 1")
    return measurements * math.log(squares / measurements) + unknowns * math.log(measurements)
