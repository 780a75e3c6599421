"""Attestation: what an authenticator proves about itself at registration (WebAuthn L3 §6.5, §8).

``statement`` says what a format's verification takes and gives; one module per format implements it; ``formats`` lists
those we verify; ``trust`` leads a certificate to an anchor we were given.
"""
