"""Failed requests in words: the reason, what to do now, and whether to ask again."""

import re
import ssl
from http import HTTPStatus

import requests
from urllib3.exceptions import HTTPError

RETRY_STATUSES = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed."""

PROXY_ASKS = (
    "the proxy asks for a login (status 407). Put a name and a password into HTTPS_PROXY, as in "
    "http://name:password@host:port."
)

_NO_SOCKS = (
    "the proxy speaks SOCKS, for which a library is missing. Install requests[socks], or unset "
    "HTTPS_PROXY and ALL_PROXY."
)


def may_succeed_later(error: Exception) -> bool:
    """Tell whether a request that failed so may succeed when it is repeated."""
    # A `ValueError` is about an address, and so about the settings.
    return (
        isinstance(error, requests.RequestException | HTTPError)
        and not isinstance(error, ValueError)
        and not _is_untrusted(error)
        and _refused_by_proxy(error) in (None, *RETRY_STATUSES)
    )


def reason(error: Exception, timeout: float, setting: str) -> str:
    """Return why a request failed, and what to do: perhaps about the setting of the address."""
    check = f"Check {setting} and the network."
    # The exception's own text quotes the request; its kind says enough.
    kind = type(error).__name__
    if _is_untrusted(error):
        return f"its certificate is not trusted. {check}"
    if kind == "InvalidSchema" and "SOCKS" in str(error):
        return _NO_SOCKS
    if kind == "InvalidProxyURL":
        return "the proxy's address is not valid. Check HTTPS_PROXY."
    if (status := _refused_by_proxy(error)) is not None:
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return PROXY_ASKS
        return f"the proxy refuses the connection (status {status}). Check HTTPS_PROXY."
    said = {
        "ConnectTimeout": f"no connection within {timeout:g} s",
        "ReadTimeout": f"no answer within {timeout:g} s",
        "ReadTimeoutError": f"no answer within {timeout:g} s",
        "SSLError": "no encrypted connection",
        "OSError": "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names no file of certificates",
        "ProxyError": "the proxy does not answer",
        "ConnectionError": "no connection, or it broke off",
        "ProtocolError": "the answer broke off",
        "DecodeError": "its answer cannot be unpacked",
    }.get(kind, kind)
    return f"{said}. {check}"


def _is_untrusted(error: BaseException | None) -> bool:
    """Tell whether the error came of a certificate that is not trusted."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__context__
    return error is not None


def _refused_by_proxy(error: Exception) -> int | None:
    """Return the status with which a proxy refused to connect; None if none did."""
    found = re.search(r"Tunnel connection failed: (\d{3})", str(error))
    return int(found[1]) if found else None
