"""The bodies of pages with the real templates' hooks, and nothing else."""

import json

WORDING = json.dumps(
    {
        code: {"title": f"Title of {code}.", "next": f"Next step of {code}."}
        for code in (
            "create_blocked_fast",
            "create_timeout",
            "get_none_here",
            "get_timeout",
            "insecure_address",
            "no_webauthn",
            "offline",
            "orphan_left",
            "orphan_removed",
        )
    }
)

COMMON = f"""
<div data-problem role="alert" tabindex="-1" hidden>
  <p data-title></p><p data-next></p><p data-reference hidden></p>
</div>
<div data-waiting role="status" hidden>Waiting for your device. <button type="button" data-cancel>Cancel</button></div>
<script type="application/json" id="client-reasons">{WORDING}</script>
"""

SIGN_IN = f"""
<script type="module" src="/static/js/sign-in.js"></script>
<form method="post" action="/sign-in"><input name="username" aria-label="Username" autocomplete="username webauthn"
  data-autofill></form>
<button type="button" data-passkey-sign-in>Sign in with a passkey</button>
<p data-when-no-autofill hidden>Use the button.</p>
{COMMON}
"""

PROVE = f"""
<script type="module" src="/static/js/sign-in.js"></script>
<button type="button" data-passkey-sign-in data-username="ada@contoso.example">Use your passkey</button>
{COMMON}
"""

ADD_PASSKEY = f"""
<script type="module" src="/static/js/add-passkey.js"></script>
<div data-create-area><button type="button" data-passkey-create data-provider="this_device">Create</button></div>
<section data-exists hidden>You already have one.
  <button type="button" data-passkey-try data-username="ada@contoso.example">Try it</button></section>
{COMMON}
"""

ADDED = f"""
<script type="module" src="/static/js/try-passkey.js"></script>
<button type="button" data-passkey-try data-username="ada@contoso.example" autofocus>Try it now</button>
{COMMON}
"""


def security_info(accepted: dict[str, object]) -> str:
    return f"""
<script type="module" src="/static/js/security-info.js"></script>
<details data-menu><summary>More</summary><a href="/rename">Rename</a></details>
<h1>Security info</h1>
<script type="application/json" id="accepted-credentials">{json.dumps(accepted)}</script>
"""
