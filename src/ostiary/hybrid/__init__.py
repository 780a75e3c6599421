"""CTAP hybrid transport (CTAP 2.2 §11.5): a passkey on a phone, used from a computer nearby.

The client (a computer) shows a QR code; the authenticator (a phone) scans it, opens a tunnel, and proves by a Bluetooth
advert that it is near. Both then speak CTAP through the tunnel, end to end encrypted. Sans-I/O here: sockets and radio
wrap these modules.

    qr          what the code holds
    derivation  keys from its secret
    advert      the Bluetooth proof of being near
    domains     where tunnel services live
    noise       the handshake
    channel     what is said afterwards
    linking     how a computer is remembered
    client, authenticator   the two state machines
"""
