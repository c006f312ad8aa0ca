"""The sizes in which every sweep comes."""

from colora_theory.experiments.errors import ConfigError, unknown_name

PRESETS = {
    "smoke": "seconds: does everything run?",
    "cpu": "minutes on two cores: does the claim hold?",
    "full": "a GPU or a cluster: how exactly does it hold?",
}
# What takes its place for users' own sweeps, which have grids of one size only.
CUSTOM = "custom"


def check_preset(name: str) -> str:
    """The name, if there is a preset of that name.

    Raises:
        ConfigError: If there is none.
    """
    if name not in PRESETS:
        raise ConfigError(unknown_name("preset", name, PRESETS))
    return name
