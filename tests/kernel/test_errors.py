import pytest

from kernel import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.InvalidInputError, "INVALID_INPUT"),
        (errors.NotFoundError, "NOT_FOUND"),
        (errors.ConflictError, "CONFLICT"),
        (errors.ForbiddenError, "FORBIDDEN"),
        (errors.UnauthenticatedError, "UNAUTHENTICATED"),
    ],
)
def test_each_domain_error_has_a_code_of_its_own_and_may_be_given_a_finer_one(kind: type, code: str):
    plain = kind("why")
    assert (plain.message, plain.code, plain.path, str(plain)) == ("why", code, (), "why")
    finer = kind("why", code="FINER", path=["input", "name"])
    assert (finer.code, finer.path) == ("FINER", ("input", "name"))
    assert isinstance(finer, errors.DomainError)


def test_faults_say_whether_trying_again_may_help():
    assert not errors.InfrastructureError("x").retryable
    assert errors.InfrastructureError("x", retryable=True).retryable
    assert not isinstance(errors.InfrastructureError("x"), errors.DomainError)
