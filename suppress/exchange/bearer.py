"""The token that signs requests, and is never shown."""

import requests
from requests.auth import AuthBase

from suppress.settings.secret import Secret


class BearerToken(AuthBase):
    """Signs requests with a bearer token, whose text means nothing here.

    Args:
        bearer: the token.
    """

    def __init__(self, bearer: Secret) -> None:
        self.bearer = bearer

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request."""
        request.headers["Authorization"] = f"Bearer {self.bearer.reveal()}"
        return request

    def __repr__(self) -> str:
        return "<BearerToken>"
