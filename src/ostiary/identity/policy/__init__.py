"""The authentication methods policy: who may have and use which sign-in methods. Pure: documents in, verdicts out.

`evaluate.evaluate` is the one function that decides. Registration, sign-in, the administrator's preview, `explain` and
the person's own page all ask it, so that none of them can say something else than the others do.
"""
