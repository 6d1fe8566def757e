"""The exchange of requests with an HTTP API, for sources that read one."""
