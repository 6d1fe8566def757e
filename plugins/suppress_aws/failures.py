"""Failed calls of AWS in words, and those that the same call would meet again."""

from collections.abc import Collection, Mapping

from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PaginationError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
)

from suppress import Refused, SourceError, mask_numbers

_OF_LIST = frozenset({"INVALID_ARN", "RESOURCE_NOT_ACCESSIBLE", "UNKNOWN_OPERATION"})
"""Reasons of an error that are about the list, and not about a number."""

NUMBER = "opted-out-number"
"""The resource that is not found where a number is on no list."""

_NEXT_STEP: Mapping[str, str] = {
    "AccessDeniedException": "Allow this principal sms-voice:{operation} for the list.",
    "ExpiredTokenException": "Renew the AWS credentials.",
    "IncompleteSignature": "Check the AWS credentials.",
    "InvalidSignatureException": "Check the AWS credentials and the clock of this machine.",
    "ResourceNotFoundException": "Check {names}_LISTS, and the region and account.",
    "ThrottlingException": "Too many requests at once: try again later.",
    "UnrecognizedClientException": "Check the AWS credentials.",
    "ValidationException": "Check {names}_LISTS.",
}


def is_of_number(error: ClientError) -> bool:
    """Tell whether a call failed because a number is not on the list."""
    code, resource = error.response["Error"]["Code"], error.response.get("ResourceType")
    return (code, resource) == ("ResourceNotFoundException", NUMBER)


def in_words(error: Exception, what: str, names: str, refused: Collection[str]) -> SourceError:
    """Return the error for a call that failed.

    Args:
        error: what boto3 raised when it gave up.
        what: what the call was for, such as `reading the list Default`.
        names: the beginning of the settings' variables.
        refused: the errors that the same call would meet again.
    """
    if not isinstance(error, ClientError):
        return SourceError(f"AWS cannot be asked for {what}: {_reason(error)}")
    code = error.response["Error"]["Code"]
    said = mask_numbers(error.response["Error"].get("Message") or "", 200)
    reason = error.response.get("Reason")
    details = ", ".join(each for each in (code, reason, said) if each)
    if code in refused and reason not in _OF_LIST:
        return Refused(f"AWS refuses {what} ({details}).")
    next_step = _NEXT_STEP.get(code, "Try again later.")
    next_step = next_step.format(operation=error.operation_name, names=names)
    return SourceError(f"AWS failed at {what} ({details}). {next_step}")


def _reason(error: Exception) -> str:
    # The error's own text may quote the request, or the output of a command that gives keys.
    kind = type(error).__name__
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return (
            "there are no AWS credentials. Set AWS_PROFILE, run `aws configure`, or give this "
            "machine a role."
        )
    if isinstance(error, CredentialRetrievalError) or "SSO" in kind or "Token" in kind:
        return (
            f"no AWS credentials could be fetched ({kind}). Sign in again, such as by "
            "`aws sso login`."
        )
    if isinstance(error, PaginationError):
        return "its pages lead back to where they were. Try again later."
    if isinstance(error, ProxyConnectionError):
        return "the proxy does not answer. Check HTTPS_PROXY."
    if isinstance(error, SSLError):
        return "no encrypted connection. Check AWS_CA_BUNDLE and the network."
    return f"{kind}. Check the network and the endpoint."
