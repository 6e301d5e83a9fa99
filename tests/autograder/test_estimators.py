"""scikit-learn's estimator checks through the seam: each check catches its own fault, in the worker too."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from autograder.errors import OurError
from autograder.estimators import conforms
from autograder.laws import Subject, judge_law, refusal
from autograder.records import LawResult, Limits, Raised
from autograder.sandbox.local import LocalStudent
from autograder.sandbox.pool import open_sandbox
from autograder.signature import signatures_of


class Mean(RegressorMixin, BaseEstimator):
    """Answers with a shrunken mean: small, and a proper estimator."""

    def __init__(self, shrink: float = 0.5):
        self.shrink = shrink

    def fit(self, X, y):
        X, y = validate_data(self, X, y, y_numeric=True)
        self.mean_ = self.shrink * y.mean()
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return np.full(len(X), self.mean_)


class NothingReturned(Mean):
    def fit(self, X, y):
        Mean.fit(self, X, y)


class SettingChanged(Mean):
    def fit(self, X, y):
        self.shrink = self.shrink / 2
        return Mean.fit(self, X, y)


class MadeTooEarly(Mean):
    def __init__(self, shrink: float = 0.5):
        self.shrink = shrink
        self.mean = None


class Unvalidated(Mean):
    def fit(self, X, y):
        self.mean_ = self.shrink * y.mean()
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class Remembering(Mean):
    def predict(self, X):
        self.last = np.asarray(X)
        return Mean.predict(self, X)


class Unwritten(RegressorMixin, BaseEstimator):
    def __init__(self, shrink: float = 0.5):
        raise NotImplementedError("Yours to write.")


class NoEstimator:
    def __init__(self, shrink: float = 0.5):
        self.shrink = shrink

    fit, predict = Unvalidated.fit, Unvalidated.predict


@dataclass(frozen=True)
class Fault:
    cls: type
    check: str
    says: str


FAULTS = [
    Fault(NothingReturned, "check_estimators_fit_returns_self", "check_estimators_fit_returns_self"),
    Fault(SettingChanged, "check_estimators_overwrite_params", "should not change or mutate the parameter shrink"),
    Fault(SettingChanged, "check_dont_overwrite_parameters", "changes public attribute"),
    Fault(MadeTooEarly, "check_no_attributes_set_in_init", "should not set any attribute apart from parameters"),
    Fault(Unvalidated, "check_estimators_unfitted", "NotFittedError"),
    Fault(Unvalidated, "check_estimators_nan_inf", "doesn't check for NaN and inf"),
    Fault(Unvalidated, "check_n_features_in", "check_n_features_in"),
    Fault(Unvalidated, "check_fit1d", "Did not raise"),
    Fault(Remembering, "check_dict_unchanged", "changes __dict__ during predict"),
    Fault(NoEstimator, "check_get_params_invariance", "has no attribute 'get_params'"),
]
CHECKS = sorted(
    {f.check for f in FAULTS} | {"check_estimator_cloneable", "check_regressors_int", "check_fit_idempotent"}
)


def judged(cls: type, *checks: str) -> LawResult:
    student = LocalStudent({"Mean": cls}, {}, "jax")
    result = judge_law(lambda f, rng: conforms(f, *checks), subject(student), 0)
    assert isinstance(result, LawResult), result
    return result


def subject(student) -> Subject:
    return Subject(student, "Mean", signatures_of(Mean), lambda: 20.0)


def test_a_proper_estimator_conforms() -> None:
    assert judged(Mean, *CHECKS) == LawResult(True)


def test_what_a_check_reads_from_a_file_leaves_none_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert judged(Mean, "check_readonly_memmap_input") == LawResult(True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.cls.__name__}-{f.check}")
def test_each_fault_is_caught_and_named(fault: Fault) -> None:
    result = judged(fault.cls, fault.check)
    assert not result.kept and fault.check in result.message and fault.says in result.message


def test_a_starter_is_unwritten_and_breaks_no_check() -> None:
    student = LocalStudent({"Mean": Unwritten}, {}, "jax")
    for law in (
        lambda f, rng: conforms(f, *CHECKS),
        lambda f, rng: refusal(lambda: f().predict(0)) == "NotFittedError",
    ):
        result = judge_law(law, subject(student), 0)
        assert isinstance(result, Raised) and result.type == "NotImplementedError"


def test_a_check_that_scikit_learn_does_not_have_is_ours_to_mend() -> None:
    with pytest.raises(OurError, match="no check check_everything"):
        judged(Mean, "check_everything")


SUBMISSION = """
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

class Mean(RegressorMixin, BaseEstimator):
    def __init__(self, shrink=0.5):
        self.shrink = shrink
    def fit(self, X, y):
        X, y = validate_data(self, X, y, y_numeric=True)
        self.mean_ = self.shrink * y.mean()
        return self
    def predict(self, X):
        check_is_fitted(self)
        return np.full(len(validate_data(self, X, reset=False)), self.mean_)
"""
ALTERED = """
import sklearn.utils.estimator_checks as checks
for name in dir(checks):
    if name.startswith("check_"):
        setattr(checks, name, lambda *args, **kwargs: None)

class Mean:
    def __init__(self, shrink=0.5):
        self.shrink = shrink
    def get_params(self, deep=True):
        return {"shrink": self.shrink}
    def fit(self, X, y):
        self.mean_ = y.mean()
        return self
    def predict(self, X):
        return np.zeros(len(X))
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator:
    with open_sandbox() as opened:
        yield opened


@pytest.mark.parametrize(("source", "kept"), [(SUBMISSION, True), (ALTERED, False)], ids=["proper", "altered checks"])
def test_in_the_sandbox_the_checks_are_the_grader_s(sandbox, source: str, kept: bool) -> None:
    with sandbox.open(Limits()) as student:
        student.run(source, seconds=20)
        result = judge_law(lambda f, rng: conforms(f, *CHECKS), subject(student), 0)
        assert isinstance(result, LawResult) and result.kept is kept, result
