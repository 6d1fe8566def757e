"""The version of suppress."""

__version__ = "0.1.0"
