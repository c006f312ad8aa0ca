from tests.experiments.conftest import config as config
from tests.experiments.conftest import notes as notes
from tests.experiments.conftest import plan as plan
from tests.experiments.conftest import store as store
