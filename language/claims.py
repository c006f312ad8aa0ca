"""What docs/language.md says of users who fine-tune one language model, and what the table must show for it."""

import numpy as np
import pandas as pd
import scipy.stats

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import mean, median, need
from colora_theory.experiments.claims.evidence import Evidence, Inside
from colora_theory.language.sweep import NAME

# What tells draws apart.
DRAWN = ["group", "num_users", "num_samples", "seed"]
_LEAST = 10
# The number of users that most draws have, and the words of a user when these are few.
_USERS, _FEW = 8, 20


def gains(table: pd.DataFrame, method: str, other: str, column: str = "accuracy") -> pd.DataFrame:
    """How much more a method scores than another on the same draws: their axes, `similarity` and `gain`."""
    ours, theirs = (table.loc[table["method"] == name, [*DRAWN, "similarity", column]] for name in (method, other))
    both = ours.merge(theirs.drop(columns="similarity"), on=DRAWN, suffixes=("", "_other"), validate="one_to_one")
    return both[[*DRAWN, "similarity"]].assign(gain=both[column] - both[f"{column}_other"])


def predicted_gains(table: pd.DataFrame) -> pd.DataFrame:
    """By how many factors of e theory expects shared linear weights to err less than those of each user alone."""
    told = table.assign(logarithm=-np.log(table["predicted_error"]))
    return gains(told, "linear_together", "linear_alone", "logarithm")


def _together(table: pd.DataFrame) -> Evidence:
    found = gains(table, "colora", "alone")
    rows = found[(found["group"] == "similar") & (found["num_users"] == _USERS) & (found["num_samples"] <= _FEW)]
    return mean(rows["gain"], least=_LEAST)


def _similar(table: pd.DataFrame) -> Evidence:
    found = gains(table, "colora", "alone")
    rows = found[(found["num_users"] == _USERS) & (found["num_samples"] <= _FEW)]
    by_group = rows.pivot_table(index=["num_samples", "seed"], columns="group", values="gain", aggfunc="mean")
    if not {"similar", "dissimilar"} <= set(by_group):
        return mean(pd.Series(dtype=float), least=_LEAST)
    return mean((by_group["similar"] - by_group["dissimilar"]).dropna(), least=_LEAST)


def _users(table: pd.DataFrame) -> Evidence:
    rows = table[(table["method"] == "colora") & (table["group"] == "similar") & (table["num_samples"] == _FEW)]
    scores = rows.pivot_table(index="seed", columns="num_users", values="accuracy_first")
    need(scores.shape[1], 2)
    return mean((scores[scores.columns.max()] - scores[scores.columns.min()]).dropna(), least=_LEAST)


def _personal(table: pd.DataFrame) -> Evidence:
    found = gains(table, "colora", "pooled")
    rows = found[(found["group"] == "dissimilar") & (found["num_users"] == _USERS) & (found["num_samples"] == _FEW)]
    return mean(rows["gain"], least=_LEAST)


def _numbers(table: pd.DataFrame) -> Evidence:
    similar = table[(table["group"] == "similar") & (table["num_users"] == _USERS)]
    most = similar[similar["num_samples"] == similar["num_samples"].max()]
    counts = most.groupby("method")["trained_numbers"].first()
    found = gains(most, "colora", "alone")
    share = counts.get("colora", np.nan) / counts.get("alone", np.nan)
    return mean(found["gain"], least=_LEAST, detail=f"with {share:.3f} of the numbers")


def _adapters(table: pd.DataFrame) -> Evidence:
    found = gains(table, "colora", "heads_together")
    rows = found[(found["num_samples"] == found["num_samples"].min()) & (found["num_users"] == _USERS)]
    return mean(rows["gain"], least=_LEAST)


def _dissimilar(table: pd.DataFrame) -> Evidence:
    found = gains(table, "colora", "alone")
    rows = found[(found["group"] == "dissimilar") & (found["num_users"] == _USERS) & (found["num_samples"] == _FEW)]
    return mean(rows["gain"], least=_LEAST)


def _law(table: pd.DataFrame) -> Evidence:
    rows = table[(table["method"] == "linear_together") & (table["num_users"] == _USERS)]
    quotients = (rows["squared_error"] / rows["predicted_error"]).dropna()
    return median(quotients, least=_LEAST)


def _bridge(table: pd.DataFrame) -> Evidence:
    chosen = table[(table["num_users"] == _USERS) & (table["num_samples"] == _FEW)]
    both = predicted_gains(chosen).merge(gains(chosen, "colora", "alone"), on=DRAWN, suffixes=("_predicted", ""))
    both = both[np.isfinite(both["gain_predicted"])]
    count = need(len(both), _LEAST)
    rank = float(scipy.stats.spearmanr(both["gain_predicted"], both["gain"]).statistic)
    # Fisher's interval, for the ranks of independent draws.
    middle, spread = np.arctanh(rank), 1.96 / np.sqrt(count - 3)
    return Evidence(rank, float(np.tanh(middle - spread)), float(np.tanh(middle + spread)), count)


CLAIMS = (
    Claim(
        name="users_of_similar_tasks_gain_together",
        statement="With few labelled words, users of similar tasks are better judges of held-out words together.",
        source=Source.ABSTRACT,
        sweep=NAME,
        prediction="similar tasks, 8 users, 10 and 20 words: mean accuracy of CoLoRA less that of each alone: above 0",
        columns=("method", "accuracy"),
        statistic=_together,
        rule=Inside(low=0.0),
    ),
    Claim(
        name="the_gain_grows_with_similarity",
        statement="Users gain more from each other the more their tasks are alike.",
        source=Source.ABSTRACT,
        sweep=NAME,
        prediction="8 users, 10 and 20 words: gain of CoLoRA over alone, similar less dissimilar tasks: above 0",
        columns=("method", "accuracy"),
        statistic=_similar,
        rule=Inside(low=0.0),
    ),
    Claim(
        name="the_gain_grows_with_users",
        statement="The first users of a group of similar tasks gain from every further one.",
        source=Source.OURS,
        sweep=NAME,
        prediction="similar tasks, 20 words: accuracy of the first 4 users by CoLoRA, of 16 users less of 4: above 0",
        columns=("method", "accuracy_first"),
        statistic=_users,
        rule=Inside(low=0.0),
    ),
    Claim(
        name="personal_cores_beat_one_for_all",
        statement="Where tasks differ, one adapter and readout for all loses what personal cores keep.",
        source=Source.OURS,
        sweep=NAME,
        prediction="dissimilar tasks, 8 users, 20 words: accuracy of CoLoRA less that of one for all: at least .05",
        columns=("method", "accuracy"),
        statistic=_personal,
        rule=Inside(low=0.05),
    ),
    Claim(
        name="as_accurate_with_fewer_numbers",
        statement="For similar tasks CoLoRA is as accurate as a LoRA for each user, with a fraction of the numbers.",
        source=Source.OURS,
        sweep=NAME,
        prediction="most words, 8 users, similar tasks: mean accuracy of CoLoRA less that of each alone: at least -.01",
        columns=("method", "accuracy", "trained_numbers"),
        statistic=_numbers,
        rule=Inside(low=-0.01),
    ),
    Claim(
        name="adapters_do_not_help_with_few_words",
        statement="With the fewest words, adapters inside the model add nothing to readouts in a shared space.",
        source=Source.OURS,
        sweep=NAME,
        prediction="10 words, 8 users: mean accuracy of CoLoRA less that of shared heads without adapters: at most .01",
        columns=("method", "accuracy"),
        statistic=_adapters,
        rule=Inside(high=0.01),
    ),
    Claim(
        name="dissimilar_users_lose_together",
        statement="Users of dissimilar tasks, more of them than the shared space has dimensions, lose by sharing it.",
        source=Source.OURS,
        sweep=NAME,
        prediction="dissimilar tasks, 8 users, rank 4, 20 words: accuracy of CoLoRA less that of each alone: below 0",
        columns=("method", "accuracy"),
        statistic=_dissimilar,
        rule=Inside(high=0.0),
    ),
    Claim(
        name="linear_errors_follow_the_law",
        statement="Shared linear weights on frozen features err as theory says for Gaussian features, within a factor.",
        source=Source.OURS,
        sweep=NAME,
        prediction="median squared error of the joint linear fit over the predicted one: from .5 to 2",
        columns=("method", "squared_error", "predicted_error"),
        statistic=_law,
        rule=Inside(low=0.5, high=2.0),
    ),
    Claim(
        name="theory_ranks_the_gains",
        statement="Groups that linear theory expects to gain more do gain more when the model is fine-tuned.",
        source=Source.OURS,
        sweep=NAME,
        prediction="20 words, 8 users: rank correlation of the predicted log gain with CoLoRA's gain: above 0",
        columns=("method", "accuracy", "predicted_error"),
        statistic=_bridge,
        rule=Inside(low=0.0),
    ),
)
