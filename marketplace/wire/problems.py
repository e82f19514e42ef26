"""Problems: every named error as problem+json and back (RFC 9457)."""

from typing import get_type_hints

from pydantic import BaseModel, ConfigDict

from marketplace.core import errors
from marketplace.core.errors import ParleyError, RegistryRefused

MEDIA_TYPE = "application/problem+json"

# The most specific class that is listed rules.
STATUS: dict[type[ParleyError], int] = {
    errors.MalformedValue: 422,
    errors.BodyTooLarge: 413,
    errors.SignatureRefused: 403,
    errors.TermsInfeasible: 422,
    errors.MessageRefused: 409,
    errors.DealRefused: 409,
    errors.PolicyDenied: 403,
    errors.LogRefused: 422,
    errors.AccessDenied: 401,
    errors.ScopeMissing: 403,
    errors.RequestUnderWay: 409,
    errors.RateExceeded: 429,
    errors.StreamsFull: 429,
    errors.BodySlow: 408,
    errors.Missing: 404,
    errors.Unavailable: 503,
    errors.RegistryRefused: 502,
    errors.ParleyError: 400,
}


class Problem(BaseModel):
    """A refusal: what is wrong, the values that disagree, the next step.

    ``code`` is stable and the same in Python, over HTTP and, where the contract can
    raise it, in Solidity. ``retryable`` says whether the same request may succeed later.
    """

    model_config = ConfigDict(extra="ignore")

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    retryable: bool
    values: dict[str, str | int]


def status_of(error: type[ParleyError]) -> int:
    """The HTTP status of an error class."""
    return next(STATUS[ancestor] for ancestor in error.__mro__ if ancestor in STATUS)


def to_problem(error: ParleyError) -> Problem:
    """The problem that an error is over HTTP; integers beyond a double travel as strings."""
    return Problem(
        type=f"urn:parley:problem:{error.code}",
        title=error.title,
        status=status_of(type(error)),
        detail=str(error),
        code=error.code,
        hint=error.hint,
        retryable=error.retryable,
        values={name: _safe(value) for name, value in error.values.items()},
    )


def from_problem(problem: Problem) -> ParleyError:
    """The named error that a problem came from."""
    found = ParleyError.leaves().get(problem.code)
    if found is not None and issubclass(found, errors.PolicyDenied):
        # Limits are the signer's own: a registry that says one was exceeded makes it up.
        return RegistryRefused(problem.status, problem.detail)
    types = get_type_hints(found) if found else {}
    try:
        # Integers beyond a double came as strings; a field's own type says which it is.
        values = {name: types[name](value) for name, value in problem.values.items()}
        return found(**values) if found else RegistryRefused(problem.status, problem.detail)
    except (KeyError, TypeError, ValueError):
        return RegistryRefused(problem.status, problem.detail)


def _safe(value: str | int) -> str | int:
    return value if isinstance(value, str) or abs(value) < 1 << 53 else str(value)
