"""The browser side, in a real Chromium with a virtual authenticator. Every test here is marked `browser`."""
