"""Ostiary: the passkey platform for organisations."""

__version__ = "0.1.0"
