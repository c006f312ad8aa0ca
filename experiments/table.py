"""The columns of a table of results, one row per method, start and drawn instance."""

import pyarrow as pa

# To be raised with every change of the columns or of their meaning.
SCHEMA_VERSION = 1

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
        ("relative_residual", pa.float64()),
        ("relative_error_trace", pa.list_(pa.float64())),  # from the start to the last step; null unless asked for
    ]
)

TIMING_COLUMNS = ("seconds", "seconds_per_step")
