"""Extensions (WebAuthn L3 §10, CTAP 2.1 §12): the page's inputs into the authenticator's, its outputs into the page's.

What nobody here knows is left out, as WebAuthn L3 §9.1 asks; so is `appid`, for keys older than passkeys.
"""

from collections.abc import Mapping
from typing import Any, Final

from ostiary.authenticator.client import base64url, fields, large_blobs, prf
from ostiary.authenticator.client.ctap import Authenticator
from ostiary.authenticator.client.errors import ClientError, ClientReason, invalid, not_allowed
from ostiary.authenticator.client.options import CreationOptions, RequestOptions

Results = dict[str, Any]
_PROTECTION: Final = {
    "userVerificationOptional": 1,
    "userVerificationOptionalWithCredentialIDList": 2,
    "userVerificationRequired": 3,
}


class RegistrationExtensions:
    """Those of one registration: `inputs` for makeCredential, then `results` from what came of it."""

    def __init__(self, options: CreationOptions, authenticator: Authenticator, *, is_resident: bool) -> None:
        """Raises `ClientError` for inputs that cannot be met."""
        self.inputs: dict[str, Any] = {}
        self._asked = options.extensions
        self._authenticator = authenticator
        self._is_resident = is_resident
        self._agreement: prf.Agreement | None = None
        self._add_protection()
        self._add_prf()
        self._add_large_blob()
        if fields.flag_at(self._asked, "minPinLength") and "minPinLength" in authenticator.extensions:
            self.inputs["minPinLength"] = True
        self._blob = self._asked.get("credBlob")
        if self._blob is not None:
            blob = fields.octets(self._blob, "credBlob")
            if "credBlob" in authenticator.extensions and len(blob) <= authenticator.info.get(0x0F, 0):
                self.inputs["credBlob"] = blob

    def results(self, outputs: Mapping[str, Any], large_blob_key: bytes | None) -> Results:
        """`outputs`: the extensions in the authenticator data."""
        results: Results = {}
        if fields.flag_at(self._asked, "credProps"):
            results["credProps"] = {"rk": self._is_resident}
        if "prf" in self._asked:
            results["prf"] = {"enabled": outputs.get(prf.HMAC_SECRET) is True}
            evaluated = outputs.get(prf.HMAC_SECRET_MC)
            if self._agreement is not None and isinstance(evaluated, bytes):
                results["prf"]["results"] = self._agreement.results(evaluated)
        if "largeBlob" in self._asked:
            results["largeBlob"] = {"supported": large_blob_key is not None}
        if self._blob is not None:
            results["credBlob"] = outputs.get("credBlob") is True
        return results

    def _add_protection(self) -> None:
        """CTAP 2.1 §12.1."""
        asked = fields.optional_text_at(self._asked, "credentialProtectionPolicy")
        is_enforced = fields.flag_at(self._asked, "enforceCredentialProtectionPolicy")
        if asked is None:
            return
        if asked not in _PROTECTION:
            raise invalid("credentialProtectionPolicy is none of the three there are.")
        if "credProtect" in self._authenticator.extensions:
            self.inputs["credProtect"] = _PROTECTION[asked]
        elif is_enforced and _PROTECTION[asked] > 1:
            raise not_allowed(ClientReason.EXTENSION_UNSUPPORTED)

    def _add_prf(self) -> None:
        if self._asked.get("prf") is None:
            return
        asked = fields.object_at(self._asked, "prf")
        if asked.get("evalByCredential") is not None:
            raise ClientError(
                "NotSupportedError", ClientReason.EXTENSION_INVALID, "prf.evalByCredential is for signing in only."
            )
        values = prf.values_at(asked, "eval")
        if prf.HMAC_SECRET not in self._authenticator.extensions:
            return
        self.inputs[prf.HMAC_SECRET] = True
        if values is not None and prf.HMAC_SECRET_MC in self._authenticator.extensions:
            self._agreement = prf.Agreement(self._authenticator)
            self.inputs[prf.HMAC_SECRET_MC] = self._agreement.input(values)

    def _add_large_blob(self) -> None:
        """WebAuthn L3 §10.1.5."""
        if self._asked.get("largeBlob") is None:
            return
        asked = fields.object_at(self._asked, "largeBlob")
        if "read" in asked or "write" in asked:
            raise ClientError(
                "NotSupportedError",
                ClientReason.EXTENSION_INVALID,
                "largeBlob.read and .write are for signing in only.",
            )
        support = fields.choice_at(asked, "support", frozenset({"required", "preferred"}), "preferred")
        if self._is_resident and large_blobs.is_supported(self._authenticator):
            self.inputs["largeBlobKey"] = True
        elif support == "required":
            raise not_allowed(ClientReason.EXTENSION_UNSUPPORTED)


class AuthenticationExtensions:
    """Those of one authentication. `allowed` may be narrower than what was asked for: values for one credential cannot
    be sent before it is known which."""

    def __init__(self, options: RequestOptions, authenticator: Authenticator, rp_id: str) -> None:
        """Raises `ClientError` for inputs that cannot be met."""
        self.inputs: dict[str, Any] = {}
        self.allowed = options.allow
        self._asked = options.extensions
        self._authenticator = authenticator
        self._agreement: prf.Agreement | None = None
        self._add_prf(rp_id)
        self._large_blob = large_blobs.read_request(fields.object_at(self._asked, "largeBlob"), options.allow)
        if self._large_blob is not None and large_blobs.is_supported(authenticator):
            self.inputs["largeBlobKey"] = True
        if fields.flag_at(self._asked, "getCredBlob") and "credBlob" in authenticator.extensions:
            self.inputs["credBlob"] = True

    def results(self, outputs: Mapping[str, Any], large_blob_key: bytes | None) -> Results:
        results: Results = {}
        if "appid" in self._asked:
            results["appid"] = False
        if "prf" in self._asked:
            evaluated = outputs.get(prf.HMAC_SECRET)
            results["prf"] = {}
            if self._agreement is not None and isinstance(evaluated, bytes):
                results["prf"]["results"] = self._agreement.results(evaluated)
        if self._large_blob is not None:
            results["largeBlob"] = self._large_blob.perform(self._authenticator, large_blob_key)
        if isinstance(outputs.get("credBlob"), bytes):
            results["getCredBlob"] = base64url.encode(outputs["credBlob"])
        return results

    def _add_prf(self, rp_id: str) -> None:
        if self._asked.get("prf") is None:
            return
        asked = fields.object_at(self._asked, "prf")
        by_credential = prf.values_by_credential(asked, self.allowed)
        values = prf.values_at(asked, "eval")
        if prf.HMAC_SECRET not in self._authenticator.extensions:
            return
        if by_credential and self.allowed is not None:
            is_one = len(self.allowed) == 1
            chosen = self.allowed[0] if is_one else self._authenticator.find(rp_id, self.allowed)
            if chosen is not None:
                self.allowed = (chosen,)
                values = by_credential.get(chosen, values)
        if values is not None:
            self._agreement = prf.Agreement(self._authenticator)
            self.inputs[prf.HMAC_SECRET] = self._agreement.input(values)
