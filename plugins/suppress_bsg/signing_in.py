"""The API key and the token that it gives: who may ask the API. Neither is ever shown."""

import requests
from requests.auth import AuthBase

from suppress import BearerToken, ConfigurationError, Secret


class ApiKey(AuthBase):
    """Puts the account's key into a request at the moment when it is sent.

    Args:
        key: the key; blanks around it do not count.

    Raises:
        ConfigurationError: it cannot be a key.
    """

    def __init__(self, key: Secret) -> None:
        self.key = Secret(key.reveal().strip())
        if not _is_usable(self.key):
            raise ConfigurationError(
                "BSG_API_KEY (`api_key` in the table [suppress.bsg]) is empty or not an API key."
            )

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Write the body that signs in."""
        request.prepare_body(None, None, json={"api_key": self.key.reveal()})
        return request


class KeptToken:
    """The token of a source, in memory alone, as long as the server accepts it.

    It has no lock: to set it is one step, and a token is as good in a forked process.
    """

    def __init__(self) -> None:
        self.token: BearerToken | None = None


def _is_usable(key: Secret) -> bool:
    return key.reveal() != "" and key.reveal().isascii() and key.reveal().isprintable()
