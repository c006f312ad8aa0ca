"""The columns of a table of results, one row per method, start and drawn instance."""

import pyarrow as pa

# To be raised with every change of the columns or of their meaning.
SCHEMA_VERSION = 4

SCHEMA = pa.schema(
    [
        ("num_users", pa.int64()),
        ("num_rows", pa.int64()),
        ("num_cols", pa.int64()),
        ("rank_left", pa.int64()),
        ("rank_right", pa.int64()),
        ("similarity", pa.float64()),
        ("misalignment", pa.float64()),  # null: the subspaces are truly shared
        ("condition_number", pa.float64()),  # null: as drawn
        ("num_samples", pa.int64()),  # of one user
        ("noise", pa.float64()),
        ("design", pa.string()),
        ("noise_kind", pa.string()),
        ("seed", pa.int64()),
        ("method", pa.string()),
        ("start", pa.string()),
        ("max_steps", pa.int64()),
        ("degrees_of_freedom", pa.int64()),
        ("oversampling", pa.float64()),
        ("status", pa.int64()),
        ("status_name", pa.string()),
        ("steps", pa.int64()),
        ("seconds", pa.float64()),  # the mean over the lanes of a chunk, without compilation
        ("seconds_per_step", pa.float64()),
        ("relative_error", pa.float64()),
        ("mean_squared_error", pa.float64()),
        ("sine_left", pa.float64()),
        ("sine_right", pa.float64()),
        ("overlap_left", pa.float64()),
        ("overlap_right", pa.float64()),
        ("relative_residual", pa.float64()),
        ("published", pa.float64()),  # what others report of such draws, see published.py; null where nobody does
        ("published_ratio", pa.float64()),  # the same measure of this run over it
        ("relative_error_trace", pa.list_(pa.float64())),  # from the start to the last step; null unless asked for
        ("megabytes_trace", pa.list_(pa.float64())),  # sent by then by all users, up and down, the start included
        ("rounds", pa.int64()),  # of messages, to the end; null where they are not counted
        # What theory says of the draw, null unless its prediction was asked for: see predictions.py.
        ("long_run_contraction", pa.float64()),  # measured
        ("contraction_factor", pa.float64()),
        ("contraction_law", pa.float64()),
        ("isometry_constant", pa.float64()),
        ("core_isometry", pa.float64()),
        ("common_isometry", pa.float64()),
        ("single_isometry", pa.float64()),
        ("spread_isometry", pa.float64()),
        ("cramer_rao", pa.float64()),
        ("noise_law", pa.float64()),
        ("predicted_overlap_left", pa.float64()),
        ("predicted_overlap_right", pa.float64()),
        ("transfer_together", pa.float64()),
        ("transfer_alone", pa.float64()),
        ("transfer_pooled", pa.float64()),
        ("target_error", pa.float64()),  # relative error that the plan is made for
        ("planned_samples", pa.float64()),  # of one user
    ]
)

TIMING_COLUMNS = ("seconds", "seconds_per_step")

# Columns that older tables lack but stand for: their value there. All other columns since are null.
OLDEST_READABLE = 2
ALWAYS_WAS = {"design": "gaussian", "noise_kind": "gaussian"}


def upgrade(rows: pa.Table) -> pa.Table:
    """The rows of an older table in the columns of today; as they are where they have others."""
    if not set(rows.column_names) <= set(SCHEMA.names):
        return rows
    for name in set(SCHEMA.names) - set(rows.column_names):
        field = SCHEMA.field(name)
        rows = rows.append_column(field, pa.array([ALWAYS_WAS.get(name)] * rows.num_rows, field.type))
    return rows.select(SCHEMA.names)
