"""The tunnel service (CTAP 2.2 §11.5.1.3): joins an authenticator and a client who both know a tunnel's identifier, and
passes sealed messages on without being able to read them.

    limits      how much anybody may take
    addresses   the paths of the service, and what is in them
    exchange    who waits for whom; the same for every server below
    asgi        inside `ostiary serve`
    server      alone, as `ostiary tunnel`: a third of the memory
"""
