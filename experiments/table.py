"""The columns of tables of results, one row per drawn instance and what was run on it."""

import pyarrow as pa

# To be raised with every change of the columns or of their meaning.
SCHEMA_VERSION = 5

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

# Of sweeps of the family, see family/.
FAMILY_SCHEMA = pa.schema(
    [
        ("truth", pa.string()),
        ("level", pa.float64()),  # null: the truth has none
        ("num_users", pa.int64()),
        ("num_rows", pa.int64()),
        ("num_cols", pa.int64()),
        ("num_samples", pa.int64()),  # of one user
        ("noise", pa.float64()),  # over the root mean square of the measurements without it
        ("seed", pa.int64()),
        ("method", pa.string()),
        ("degrees_of_freedom", pa.int64()),  # of the truth
        ("oversampling", pa.float64()),
        ("unknowns", pa.int64()),  # of what was fitted; null where they are not counted
        ("status_name", pa.string()),
        ("steps", pa.int64()),
        ("seconds", pa.float64()),  # compilation included
        ("relative_error", pa.float64()),  # of the judged users; null where nothing was fitted
        ("mean_squared_error", pa.float64()),  # of a judged user
        ("bound", pa.float64()),  # of Cramer and Rao on it, of the true structure; null where it is not told
        # Null but in the sweeps that ask for them.
        ("relative_error_trace", pa.list_(pa.float64())),
        ("coverage_50", pa.float64()),  # share of new measurements inside intervals of this nominal coverage, %
        ("coverage_80", pa.float64()),
        ("coverage_90", pa.float64()),
        ("coverage_95", pa.float64()),
        ("interval_width", pa.float64()),  # mean width of those of 90%, over the noise
        ("share_found", pa.float64()),  # of the users unlike the rest
        ("share_accused", pa.float64()),  # of the others
        ("chosen", pa.string()),  # the ranks of the layers, where these are allotted
        ("unseen_error", pa.float64()),  # squared error of weights without samples, between those of the users
    ]
)

# Of the sweeps of this package; a guest has its own.
SCHEMAS = (SCHEMA, FAMILY_SCHEMA)

TIMING_COLUMNS = ("seconds", "seconds_per_step")

# Columns that older tables lack but stand for: their value there. All other columns since are null.
OLDEST_READABLE = 2
ALWAYS_WAS = {"design": "gaussian", "noise_kind": "gaussian"}


def upgrade(rows: pa.Table) -> pa.Table:
    """The rows of an older table in the columns of today; as they are where they have others."""
    if "truth" in rows.column_names:
        return _with_columns(rows, FAMILY_SCHEMA)
    return _with_columns(rows, SCHEMA)


def _with_columns(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    if not set(rows.column_names) <= set(schema.names):
        return rows
    for name in set(schema.names) - set(rows.column_names):
        field = schema.field(name)
        rows = rows.append_column(field, pa.array([ALWAYS_WAS.get(name)] * rows.num_rows, field.type))
    return rows.select(schema.names)
