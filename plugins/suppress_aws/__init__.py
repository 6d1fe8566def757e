"""The plugin for AWS: the opt-out lists of AWS End User Messaging as a source."""

from __future__ import annotations

import importlib.util

import suppress

NAME = "aws"


@suppress.hookimpl
def suppress_sources(settings: suppress.Settings) -> list[suppress.Source]:
    """Offer the opt-out lists that the settings name."""
    from suppress_aws.settings import AwsSettings  # noqa: PLC0415 - when it is asked

    found = settings.sections(NAME, AwsSettings)
    if not found:
        return []
    if importlib.util.find_spec("boto3") is None:
        raise suppress.ConfigurationError(
            "The source 'aws' needs boto3. Run `pip install 'suppress-filter[aws]'`."
        )
    from suppress_aws.source import AwsSource, AwsSourceAndTaker  # noqa: PLC0415 - loads boto3

    return [
        (AwsSourceAndTaker if own.take_opt_outs else AwsSource)(own, name=name)
        for name, own in found.items()
    ]
