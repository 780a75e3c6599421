"""The pages of the app: a local web app on loopback, for the browser of the person who started it.

`application.build_application` makes it from the service; `access` and `guard` keep everyone else out.
"""
