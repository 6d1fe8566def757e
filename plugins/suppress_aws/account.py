"""The account and the region that boto3 will use, as far as its settings tell without a request."""

import hashlib
import os

import botocore.session
from botocore.exceptions import BotoCoreError

from suppress import ConfigurationError
from suppress_aws.settings import AwsSettings

_LONG_LIVED = "AKIA"
"""The first letters of an access key that is not replaced every hour."""

_OF_PROFILE = (
    *("aws_access_key_id", "credential_process", "role_arn", "source_profile", "sso_account_id"),
    *("sso_role_name", "sso_session", "sso_start_url", "web_identity_token_file"),
)


class Account:
    """The account that boto3 will use.

    Args:
        settings: the lists, and where they are.
        names: the beginning of the settings' variables, for messages.

    Attributes:
        region: the region.
        has_attempts: whether the user says how often boto3 repeats a request.
        digest: a text that differs for another account, as far as the settings tell.

    Raises:
        ConfigurationError: the profile is unknown, there is no region, or a list is elsewhere.
    """

    def __init__(self, settings: AwsSettings, names: str) -> None:
        session = botocore.session.Session(profile=settings.profile)
        try:
            region = settings.region or session.get_config_variable("region")
            attempts = session.get_config_variable("max_attempts")
            scoped = session.full_config.get("profiles", {}).get(session.profile or "default", {})
            scoped |= session.get_scoped_config()
        except BotoCoreError as error:
            raise ConfigurationError(
                f"The AWS configuration cannot be used: {error}. Check {names}_PROFILE, "
                "AWS_PROFILE and the files that `aws configure` writes."
            ) from None
        if region is None:
            raise ConfigurationError(
                f"There is no AWS region. Set {names}_REGION, AWS_DEFAULT_REGION, or `region` in "
                "the profile."
            )
        for each in settings.lists:
            part = each.split(":")
            if part[0] == "arn" and part[3:4] != [region]:
                raise ConfigurationError(
                    f"The opt-out list {each} is not in the region {region}. Set {names}_REGION, "
                    "or configure another source for it."
                )
        self.region: str = region
        self.has_attempts = attempts is not None
        self.digest = _digest(scoped)


def _digest(profile: dict[str, str]) -> str:
    known = {name: profile[name] for name in _OF_PROFILE if name in profile}
    if key := os.environ.get("AWS_ACCESS_KEY_ID"):
        known["aws_access_key_id"] = key
    if not known.get("aws_access_key_id", _LONG_LIVED).startswith(_LONG_LIVED):
        del known["aws_access_key_id"]
    known["role of the process"] = os.environ.get("AWS_ROLE_ARN", "")
    return hashlib.sha256(repr(sorted(known.items())).encode()).hexdigest()
