"""The laws of every regressor that is written for scikit-learn: its own checks, and a few where those see too little.

A law asks for as little as one misconception breaks, so that a hint can be told from how the laws end. Checks which
cannot cross to the student's side (sparse tables, pickles, warnings) or which ask for double precision are left out.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from autograder.author import Exercise
from autograder.estimators import conforms
from autograder.laws import Subject, close, refusal

Rng = np.random.Generator
ROWS, COLUMNS = 20, 3
"""Of every table here, as in most of scikit-learn's checks: JAX compiles a model anew for each shape."""


def can_be_copied(f: Subject, rng: Rng) -> bool:
    """scikit-learn can copy the model: its settings are kept under their names, and nothing else is set at birth."""
    return conforms(f, "check_get_params_invariance", "check_no_attributes_set_in_init", "check_estimator_cloneable")


def tells_whether_it_is_fitted(f: Subject, rng: Rng) -> bool:
    """`fit` returns the model, and `predict` before `fit` is a NotFittedError."""
    return conforms(f, "check_estimators_fit_returns_self", "check_estimators_unfitted", "check_fit_check_is_fitted")


def settings_stay(f: Subject, rng: Rng) -> bool:
    """Fitting leaves the settings as they were."""
    return conforms(f, "check_estimators_overwrite_params", "check_get_params_invariance")


def names_with_underscores(f: Subject, rng: Rng) -> bool:
    """`__init__` and `fit` add no public names but settings and those that end in `_`."""
    return conforms(f, "check_no_attributes_set_in_init", "check_dont_overwrite_parameters")


def learnt_names(f: Subject, rng: Rng) -> bool:
    """A fitted model keeps its settings, private names, and names that end in `_`."""
    model = f()
    model.fit(*_learnable(rng))
    learnt = set(model.attribute("__dict__")) - {p.name for p in f.signatures[""].parameters}
    return all(name.startswith("_") or name.endswith("_") for name in learnt)


def known_to_be_fitted(f: Subject, rng: Rng) -> bool:
    """scikit-learn can tell a fitted model from a new one, and copies only its settings."""
    return conforms(f, "check_fit_check_is_fitted", "check_estimator_cloneable")


def predict_leaves_no_trace(f: Subject, rng: Rng) -> bool:
    """`predict` changes nothing about the model."""
    return conforms(f, "check_dict_unchanged")


def predict_adds_no_name(f: Subject, rng: Rng) -> bool:
    """`predict` adds no name to the model."""
    model = f()
    X, y = _learnable(rng)
    model.fit(X, y)
    before = set(model.attribute("__dict__"))
    model.predict(X)
    return set(model.attribute("__dict__")) == before


def fit_gives_the_model(f: Subject, rng: Rng) -> bool:
    """`fit` returns the model itself."""
    return conforms(f, "check_estimators_fit_returns_self")


def fit_on_a_file(f: Subject, rng: Rng) -> bool:
    """`fit` also takes a table that cannot be written to, and returns the model."""
    return conforms(f, "check_readonly_memmap_input")


def unfitted_is_told(f: Subject, rng: Rng) -> bool:
    """A model that was never fitted says so."""
    return conforms(f, "check_estimators_unfitted")


def unfitted_again(f: Subject, rng: Rng) -> bool:
    """A new model says that it was never fitted, even after another one was."""
    X, y = _learnable(rng)
    f().fit(X, y)
    return refusal(lambda: f().predict(X)) == "NotFittedError"


def bad_tables_are_refused(f: Subject, rng: Rng) -> bool:
    """Tables of one axis, without rows, or with complex numbers are refused."""
    return conforms(f, "check_fit1d", "check_estimators_empty_data_messages", "check_complex_data")


def nan_and_infinity_are_refused(f: Subject, rng: Rng) -> bool:
    """NaN and infinity are refused, by `fit` and by `predict`."""
    return conforms(f, "check_estimators_nan_inf", "check_supervised_y_no_nan")


def columns_are_counted(f: Subject, rng: Rng) -> bool:
    """The number of columns is remembered, and another number is refused."""
    return conforms(f, "check_n_features_in", "check_n_features_in_after_fitting")


def other_columns_are_refused(f: Subject, rng: Rng) -> bool:
    """`predict` refuses a table with fewer or with more columns than `fit` saw."""
    model = f()
    model.fit(*_learnable(rng))
    tables = rng.normal(size=(ROWS, COLUMNS - 1)), rng.normal(size=(ROWS, COLUMNS + 1))
    return all(refusal(partial(model.predict, table)) for table in tables)


def order_does_not_matter(f: Subject, rng: Rng) -> bool:
    """A prediction depends neither on the order in which rows are listed nor on which others are asked with it."""
    (X, y), Z = _learnable(rng), rng.normal(size=(ROWS, COLUMNS))
    order = rng.permutation(ROWS)
    together = f().fit(X, y).predict(Z)
    shuffled = f().fit(X[order], y[order])
    alone = np.concatenate([shuffled.predict(Z[i : i + 1]) for i in range(ROWS)])
    return close(alone, together, rtol=1e-3, atol=1e-3)


def a_model_of_scikit_learn(f: Subject, rng: Rng) -> bool:
    """Fitted twice, fitted to whole numbers, or at the end of a pipeline, the model is the same."""
    return conforms(f, "check_fit_idempotent", "check_pipeline_consistency", "check_regressors_int")


def _learnable(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """A table and its targets."""
    return rng.normal(size=(ROWS, COLUMNS)), rng.normal(size=ROWS)


def scikit_learn_laws(exercise: Exercise) -> None:
    """Adds them to the exercise, two of them visible."""
    for law in VISIBLE:
        exercise.law(law)
    for law in HIDDEN:
        exercise.law(law, hidden=True)


VISIBLE = (can_be_copied, tells_whether_it_is_fitted)
HIDDEN = (
    settings_stay,
    names_with_underscores,
    learnt_names,
    known_to_be_fitted,
    predict_leaves_no_trace,
    predict_adds_no_name,
    fit_gives_the_model,
    fit_on_a_file,
    unfitted_is_told,
    unfitted_again,
    bad_tables_are_refused,
    nan_and_infinity_are_refused,
    columns_are_counted,
    other_columns_are_refused,
    order_does_not_matter,
    a_model_of_scikit_learn,
)
