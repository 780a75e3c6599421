"""All wording of refusals, by code: the status, what happened, what to do. Nothing else writes such sentences."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ostiary.identity.reasons import Reason, Refusal
from ostiary.passkeys import CeremonyReason
from ostiary.passkeys.metadata import OWN_MODELS
from ostiary.web.refusals import RequestReason
from ostiary.web.translations import N_


class Wording(NamedTuple):
    status: int
    title: str
    next: str


_STALE = N_("Start again from the sign-in page. Nothing has changed.")
_TRY_AGAIN = N_("Nothing has changed. Try again; if it happens once more, give your helpdesk the reference.")
_NOT_YOURS = N_("Nothing has changed. Use another passkey, or ask your helpdesk with the reference.")
_FAULTY_DEVICE = N_("No passkey was added. Update the device or app that made it, or use another one.")

WORDING: dict[str, Wording] = {
    # what was sent
    RequestReason.MALFORMED_JSON: Wording(400, N_("That was not readable JSON."), N_("Send a JSON object.")),
    RequestReason.MALFORMED_FORM: Wording(400, N_("That form could not be read."), N_("Go back and fill it in again.")),
    RequestReason.REQUEST_INVALID: Wording(
        400, N_("Something in the request has the wrong type or is missing."), N_("Compare it with the documentation.")
    ),
    RequestReason.BODY_TOO_LARGE: Wording(413, N_("That was too large."), N_("Send less.")),
    RequestReason.MEDIA_TYPE_UNSUPPORTED: Wording(
        415, N_("That kind of content is not accepted here."), N_("Send application/json.")
    ),
    RequestReason.CROSS_SITE_REQUEST: Wording(
        403,
        N_("This request came from another website."),
        N_("Nothing has changed. Open the page here and do it from there."),
    ),
    RequestReason.PAGE_UNKNOWN: Wording(404, N_("There is no such page."), N_("Check the address, or start over.")),
    RequestReason.VERB_NOT_ALLOWED: Wording(405, N_("This cannot be done here."), N_("Go back and start over.")),
    RequestReason.INTERNAL_ERROR: Wording(
        500,
        N_("Something went wrong on our side."),
        N_("Try again in a moment; if it stays, give your helpdesk the reference."),
    ),
    Reason.USERNAME_INVALID: Wording(
        400, N_("That is not a username."), N_("Type it as it stands in your e-mail address, like ada@contoso.example.")
    ),
    Reason.DOMAIN_UNKNOWN: Wording(
        404, N_("This organisation does not use that domain."), N_("Check the part after the @, or leave it out.")
    ),
    Reason.NAME_INVALID: Wording(
        400, N_("That name does not work."), N_("Use 1 to 30 letters, digits or signs that can be seen.")
    ),
    Reason.NAME_TAKEN: Wording(409, N_("You already have a sign-in method of that name."), N_("Choose another name.")),
    # sign-in
    Reason.CREDENTIALS_WRONG: Wording(
        401, N_("The username or password is not right."), N_("Check both, or use a passkey instead.")
    ),
    Reason.CODE_WRONG: Wording(
        401,
        N_("That code is not right."),
        N_("Type the six digits shown now. If they keep failing, check that the clock of the device is right."),
    ),
    Reason.CODE_USED: Wording(
        401, N_("That code was used already."), N_("Wait for the next one; it comes within 30 seconds.")
    ),
    Reason.TOO_MANY_ATTEMPTS: Wording(
        429,
        N_("There were too many tries."),
        N_("Wait up to 15 minutes. A passkey works at once, even now."),
    ),
    Reason.SIGN_IN_EXPIRED: Wording(400, N_("This sign-in took too long."), _STALE),
    Reason.METHOD_NOT_OFFERED: Wording(400, N_("This way to sign in is not available now."), N_("Choose another way.")),
    Reason.DIFFERENT_PERSON: Wording(
        403,
        N_("That passkey belongs to another account."),
        N_("Choose the passkey of the account you are signing in to, or start over with the other username."),
    ),
    Reason.ACCOUNT_DISABLED: Wording(
        403, N_("This account cannot sign in now."), N_("Ask your helpdesk, with the reference.")
    ),
    Reason.CREDENTIAL_UNKNOWN: Wording(
        404,
        N_("That passkey is not on any account here. It may have been removed."),
        N_("Sign in another way, and delete the passkey where it is saved."),
    ),
    Reason.CHALLENGE_UNKNOWN: Wording(
        400, N_("This step was finished or given up before."), N_("Reload the page and try again.")
    ),
    Reason.CHALLENGE_EXPIRED: Wording(
        400, N_("The page was open too long."), N_("Reload it and try again. Nothing has changed.")
    ),
    Reason.CHALLENGE_FOREIGN: Wording(
        400, N_("This step was begun in another browser or window."), N_("Reload the page and try again here.")
    ),
    # approvals
    Reason.APPROVAL_PENDING: Wording(
        409,
        N_("Another sign-in to this account is waiting for an approval."),
        N_("Wait a minute and try again, or use another way. If it is not yours, decline it in your Authenticator."),
    ),
    Reason.APPROVAL_WAITING: Wording(
        409,
        N_("It is not approved yet."),
        N_("Open your Authenticator, enter the number shown here and approve, then continue."),
    ),
    Reason.APPROVAL_UNKNOWN: Wording(
        404, N_("There is no such request."), N_("Nothing has changed. Start the sign-in again.")
    ),
    Reason.APPROVAL_ANSWERED: Wording(
        409, N_("This request was answered before."), N_("Look at the page that asked for it.")
    ),
    Reason.APPROVAL_EXPIRED: Wording(
        410, N_("Nobody answered in time."), N_("Open your Authenticator, then send the request again.")
    ),
    Reason.APPROVAL_CANCELLED: Wording(
        410, N_("This request was taken back."), N_("Send a new one, or use another way.")
    ),
    Reason.APPROVAL_DECLINED: Wording(
        403,
        N_("The sign-in was declined in the Authenticator."),
        N_("If that was you by mistake, send the request again."),
    ),
    Reason.APPROVAL_REPORTED: Wording(
        403,
        N_("This sign-in was reported as not made by the account's owner."),
        N_("No more requests are sent from here for a day. If it was you, sign in another way or ask your helpdesk."),
    ),
    Reason.APPROVAL_NUMBER_WRONG: Wording(
        403,
        N_("The number entered in the Authenticator was not the one shown here."),
        N_("Send the request again and enter the new number."),
    ),
    Reason.APPROVAL_NOT_VERIFIED: Wording(
        403,
        N_("The Authenticator did not check who approved."),
        N_("Send the request again, and use the PIN or fingerprint of the Authenticator."),
    ),
    Reason.APPROVAL_SIGNATURE_WRONG: Wording(
        403,
        N_("The answer was not signed by the Authenticator that was asked."),
        N_("Remove the Authenticator under Security info and add it again, or ask your helpdesk with the reference."),
    ),
    Reason.APPROVALS_PAUSED: Wording(
        429,
        N_("Requests to the Authenticator are paused for this account."),
        N_("There were too many that nobody approved. Use another way to sign in, or try again in an hour."),
    ),
    Reason.DEVICE_UNKNOWN: Wording(
        404,
        N_("This Authenticator is not registered here any more."),
        N_("Remove the account from the Authenticator and add it again."),
    ),
    Reason.DEVICE_KEY_INVALID: Wording(
        400, N_("That is not a P-256 public key."), N_("Send the device key as a JWK with kty, crv, x and y.")
    ),
    Reason.DEVICE_KEY_TAKEN: Wording(
        409,
        N_("This device key belongs to another account."),
        N_("Nothing has changed. Let the Authenticator make a key of its own for each account."),
    ),
    Reason.DEVICE_INVALID: Wording(
        400,
        N_("What the Authenticator says of itself cannot be read."),
        N_("Send model as an AAGUID, and version and platform as short text."),
    ),
    Reason.AUTHENTICATOR_LIMIT: Wording(
        409,
        N_("You have as many Authenticators as you can have."),
        N_("Remove one you no longer use under Security info, then add this one."),
    ),
    # sessions and step-up
    Reason.SIGN_IN_REQUIRED: Wording(401, N_("You are not signed in."), N_("Sign in and try again.")),
    Reason.FRESH_MFA_REQUIRED: Wording(
        403, N_("Confirm that it is you first."), N_("Sign in once more, with a passkey or a second step.")
    ),
    Reason.SECOND_FACTOR_REQUIRED: Wording(
        403,
        N_("A passkey needs a second way to prove that it is you."),
        N_("Add an authenticator app first, then the passkey."),
    ),
    # Security info
    Reason.METHOD_UNKNOWN: Wording(
        404, N_("There is no such sign-in method."), N_("It may have been removed. Reload Security info.")
    ),
    Reason.METHOD_NOT_REMOVABLE: Wording(
        409, N_("A password can be changed but not removed."), N_("Change it under Security info.")
    ),
    Reason.METHOD_NOT_RENAMABLE: Wording(409, N_("A password has no name."), N_("Rename a passkey or an app instead.")),
    Reason.LAST_STRONG_METHOD: Wording(
        409,
        N_("This is your last strong way to sign in."),
        N_("Add another first, or confirm that a password alone is enough for you."),
    ),
    Reason.PASSKEY_EXISTS: Wording(
        409, N_("This passkey is already registered."), N_("Try it now; there is nothing more to do.")
    ),
    Reason.PASSKEY_LIMIT: Wording(
        409, N_("You have as many passkeys as there can be."), N_("Delete one you no longer use.")
    ),
    Reason.CODE_LIMIT: Wording(
        409, N_("You have five authenticator apps, which is the most there can be."), N_("Delete one first.")
    ),
    Reason.ENROLMENT_EXPIRED: Wording(
        400, N_("This code was on the screen too long."), N_("Scan the new one. Remove the old entry from your app.")
    ),
    Reason.SESSION_UNKNOWN: Wording(404, N_("That session has ended already."), N_("Reload Security info.")),
    Reason.PASSWORD_WRONG: Wording(401, N_("That is not your current password."), N_("Type it again.")),
    Reason.PASSWORD_TOO_SHORT: Wording(400, N_("That password is too short."), N_("Use at least 12 characters.")),
    Reason.PASSWORD_TOO_LONG: Wording(400, N_("That password is too long."), N_("Use at most 256 characters.")),
    Reason.PASSWORD_TOO_EASY: Wording(
        400, N_("That password is easy to guess."), N_("Leave out your username, and use several different words.")
    ),
    Reason.PASSWORD_UNCHANGED: Wording(400, N_("That is the password you have now."), N_("Choose a new one.")),
    Reason.PASSWORDS_DIFFER: Wording(400, N_("The two new passwords differ."), N_("Type the same one twice.")),
    # the ceremony
    CeremonyReason.MALFORMED_RESPONSE: Wording(400, N_("The browser's answer could not be read."), _TRY_AGAIN),
    CeremonyReason.MALFORMED_CLIENT_DATA: Wording(400, N_("The browser's answer could not be read."), _TRY_AGAIN),
    CeremonyReason.MALFORMED_CBOR: Wording(400, N_("The authenticator's answer could not be read."), _TRY_AGAIN),
    CeremonyReason.MALFORMED_AUTHENTICATOR_DATA: Wording(
        400, N_("The authenticator's answer could not be read."), _TRY_AGAIN
    ),
    CeremonyReason.TYPE_MISMATCH: Wording(400, N_("The browser answered another question."), _TRY_AGAIN),
    CeremonyReason.CHALLENGE_MISMATCH: Wording(400, N_("The browser answered another question."), _TRY_AGAIN),
    CeremonyReason.ORIGIN_MISMATCH: Wording(
        400,
        N_("The passkey was used on an address that is not ours."),
        N_("Open the sign-in page by typing its address. Tell your helpdesk how you came to the other one."),
    ),
    CeremonyReason.CROSS_ORIGIN_REFUSED: Wording(
        400, N_("The passkey was used inside another website."), N_("Open the sign-in page by typing its address.")
    ),
    CeremonyReason.TOP_ORIGIN_REFUSED: Wording(
        400, N_("The passkey was used inside another website."), N_("Open the sign-in page by typing its address.")
    ),
    CeremonyReason.RP_ID_MISMATCH: Wording(400, N_("That passkey is for another service."), _NOT_YOURS),
    CeremonyReason.USER_PRESENCE_MISSING: Wording(
        400, N_("The authenticator did not wait for you."), N_("Nothing has changed. Use another passkey.")
    ),
    CeremonyReason.USER_VERIFICATION_MISSING: Wording(
        400,
        N_("The authenticator did not check your PIN, fingerprint or face."),
        N_("Set up a PIN or fingerprint on it first, then try again."),
    ),
    CeremonyReason.BACKUP_STATE_INVALID: Wording(
        400, N_("The authenticator contradicts itself about being synced."), _FAULTY_DEVICE
    ),
    CeremonyReason.BACKUP_ELIGIBILITY_CHANGED: Wording(
        400, N_("The passkey says something else about itself than when it was added."), _NOT_YOURS
    ),
    CeremonyReason.ALGORITHM_NOT_OFFERED: Wording(
        400, N_("The passkey uses a kind of key we did not ask for."), _FAULTY_DEVICE
    ),
    CeremonyReason.PUBLIC_KEY_INVALID: Wording(400, N_("The passkey's public key is not valid."), _FAULTY_DEVICE),
    CeremonyReason.CREDENTIAL_ID_TOO_LONG: Wording(400, N_("The passkey's identifier is too long."), _FAULTY_DEVICE),
    CeremonyReason.CREDENTIAL_MISMATCH: Wording(400, N_("The answer is for another passkey."), _TRY_AGAIN),
    CeremonyReason.CREDENTIAL_NOT_ALLOWED: Wording(400, N_("The answer is for another passkey."), _TRY_AGAIN),
    CeremonyReason.USER_HANDLE_MISSING: Wording(400, N_("The passkey does not say whose it is."), _NOT_YOURS),
    CeremonyReason.USER_HANDLE_MISMATCH: Wording(400, N_("That passkey belongs to another account."), _NOT_YOURS),
    CeremonyReason.SIGNATURE_INVALID: Wording(400, N_("The signature is not right."), _TRY_AGAIN),
    CeremonyReason.ATTESTATION_FORMAT_UNKNOWN: Wording(
        400, N_("The authenticator vouches for itself in a way we do not know."), _FAULTY_DEVICE
    ),
    CeremonyReason.ATTESTATION_INVALID: Wording(
        400, N_("What the authenticator says about itself does not hold."), _FAULTY_DEVICE
    ),
    CeremonyReason.ATTESTATION_CERTIFICATE_INVALID: Wording(
        400, N_("The authenticator's certificate is not valid."), _FAULTY_DEVICE
    ),
    CeremonyReason.ATTESTATION_UNTRUSTED: Wording(
        400,
        N_("The authenticator's maker is not one your organisation trusts."),
        N_("No passkey was added. Use another authenticator, or ask your helpdesk which are accepted."),
    ),
    # policy
    Reason.METHOD_DISABLED: Wording(
        403,
        N_("This sign-in method is not supported by your organisation."),
        N_("Use another method, or ask your helpdesk to turn it on."),
    ),
    Reason.METHOD_EXCLUDED: Wording(
        403,
        N_("Your organisation has excluded you from this sign-in method."),
        N_("Ask your helpdesk, with the reference."),
    ),
    Reason.METHOD_NOT_TARGETED: Wording(
        403, N_("This sign-in method is not turned on for you."), N_("Ask your helpdesk, with the reference.")
    ),
    Reason.SELF_SERVICE_OFF: Wording(
        403, N_("You cannot add this yourself."), N_("Ask your helpdesk: an administrator can add it for you.")
    ),
    Reason.SYNCED_NOT_ALLOWED: Wording(
        403,
        N_("Your organisation does not accept passkeys that are synced."),
        N_("Choose one that stays on one device: a security key, this computer or an authenticator app."),
    ),
    Reason.DEVICE_BOUND_NOT_ALLOWED: Wording(
        403,
        N_("Your organisation does not accept passkeys that stay on one device."),
        N_("Save the passkey in a password manager that syncs it."),
    ),
    Reason.ATTESTATION_REQUIRED: Wording(
        403,
        N_("Your organisation needs a passkey whose maker can be verified, and this one does not say."),
        N_("Use a security key or authenticator your organisation names."),
    ),
    Reason.AAGUID_NOT_ALLOWED: Wording(
        403,
        N_("Your organisation does not accept passkeys saved there."),
        N_("Choose one of the places your organisation names, or ask your helpdesk."),
    ),
    Reason.AUTHENTICATOR_COMPROMISED: Wording(
        403,
        N_("This model of authenticator is known to be unsafe."),
        N_("Use another one, and tell your helpdesk that you have this model."),
    ),
    Reason.PROFILE_ALLOWS_NOTHING: Wording(
        403,
        N_("Your organisation's rules allow no passkey at all for you."),
        N_("Ask your helpdesk, with the reference."),
    ),
    Reason.NO_METHOD_LEFT: Wording(
        403,
        N_("Your organisation's rules leave you no way to finish this sign-in."),
        N_("Ask your helpdesk for a Temporary Access Pass, with the reference."),
    ),
    # Temporary Access Pass
    Reason.PASS_WRONG: Wording(
        401,
        N_("That Temporary Access Pass is not right."),
        N_("Type it exactly as you got it, or sign in another way."),
    ),
    Reason.PASS_EXPIRED: Wording(
        401, N_("That Temporary Access Pass has expired."), N_("Ask your helpdesk for a new one.")
    ),
    Reason.PASS_NOT_YET_VALID: Wording(
        401, N_("That Temporary Access Pass is not valid yet."), N_("Try again from the time your helpdesk told you.")
    ),
    Reason.PASS_USED: Wording(
        401, N_("That Temporary Access Pass was for one use, and was used."), N_("Ask your helpdesk for a new one.")
    ),
    Reason.PASS_DISABLED: Wording(
        403, N_("Temporary Access Passes are not turned on for you."), N_("Ask your helpdesk, with the reference.")
    ),
    Reason.PASS_REGISTRATION_OVER: Wording(
        403,
        N_("A one-time pass must be followed by a passkey within ten minutes, and they are over."),
        N_("Ask your helpdesk for a new pass."),
    ),
    Reason.PASS_LIFETIME_INVALID: Wording(
        400,
        N_("That lifetime is outside what the policy allows."),
        N_("Choose one between the policy's minimum and maximum."),
    ),
    # the link in a notice
    Reason.LINK_UNKNOWN: Wording(
        404,
        N_("We do not know this link."),
        N_("Nothing has changed. Copy the whole address from the mail. If it still fails, talk to your helpdesk."),
    ),
    Reason.LINK_USED: Wording(
        410,
        N_("This link was used already."),
        N_("What it does was done then, and works once. If something is still wrong, talk to your helpdesk."),
    ),
    Reason.LINK_EXPIRED: Wording(
        410,
        N_("This link is more than a week old."),
        N_("Nothing has changed. If it was not you, talk to your helpdesk now."),
    ),
    # trust
    Reason.AAGUID_INVALID: Wording(
        400, N_("That is not an AAGUID."), N_("Give it as 08987058-cadc-4b81-b6e1-30de50dcbe96.")
    ),
    Reason.CERTIFICATE_INVALID: Wording(
        400,
        N_("That is not the certificate of an authority."),
        N_("Use one in PEM or DER whose basic constraints say CA."),
    ),
    Reason.ROOT_EXISTS: Wording(409, N_("That root is trusted already."), N_("Nothing needs to be done.")),
    Reason.NAME_LIST_INVALID: Wording(
        400,
        N_("That is not a list of provider names."),
        N_("Use a JSON file of at most 1 MB that maps AAGUIDs to objects with a name."),
    ),
    Reason.ROOT_UNKNOWN: Wording(404, N_("There is no such root."), N_("List the roots to see them.")),
    # our own attestation authority
    Reason.ATTESTATION_AUTHORITY_EXISTS: Wording(
        409,
        N_("There is an attestation authority already."),
        N_("To let another take its place: ostiary admin attestation init --replace"),
    ),
    Reason.ATTESTATION_AUTHORITY_MISSING: Wording(
        409,
        N_("Your organisation enrols no Authenticators yet."),
        N_("An administrator sets it up with: ostiary admin attestation init"),
    ),
    Reason.ATTESTATION_AUTHORITY_UNKNOWN: Wording(
        404,
        N_("There is no such attestation authority."),
        N_("See what there is with: ostiary admin attestation status"),
    ),
    Reason.COUNTRY_INVALID: Wording(400, N_("That is not a country code."), N_("Give it in two letters, as DE.")),
    Reason.ATTESTATION_CODE_WRONG: Wording(
        403, N_("That enrolment code is not right, or not for you."), N_("Check it, or ask your helpdesk for one.")
    ),
    Reason.ATTESTATION_CODE_EXPIRED: Wording(
        403, N_("That enrolment code is no longer valid."), N_("Ask your helpdesk for a new one.")
    ),
    Reason.ATTESTATION_CODE_USED: Wording(
        403,
        N_("That enrolment code has been used."),
        N_("A code enrols one Authenticator. Ask your helpdesk for another."),
    ),
    Reason.ATTESTATION_CODE_LIFETIME_INVALID: Wording(
        400, N_("A code cannot be valid for that long."), N_("Give a number of minutes, at most 10,080: seven days.")
    ),
    Reason.ATTESTATION_MODEL_DIFFERS: Wording(
        403,
        N_("That enrolment code is for another model of Authenticator."),
        N_("Ask your helpdesk for one for yours: it keeps keys in a file, or in this computer's security chip."),
    ),
    Reason.ATTESTATION_REQUEST_INVALID: Wording(
        400,
        N_("That is not a certificate request we can use."),
        N_("It has to be PKCS #10 in PEM, for a P-256 key and signed by it. The Ostiary Authenticator makes one."),
    ),
    Reason.ATTESTATION_KEY_KNOWN: Wording(
        409,
        N_("That Authenticator's key has had a certificate."),
        N_("Let it make a new key, then ask again with the new request."),
    ),
    Reason.ATTESTATION_SERIAL_UNKNOWN: Wording(
        404,
        N_("There is no certificate with that serial number."),
        N_("See them with: ostiary admin attestation list"),
    ),
    Reason.AUTHENTICATOR_MODEL_UNKNOWN: Wording(
        400,
        N_("That is not a model of the Ostiary Authenticator."),
        N_("It is sealed-file or tpm, or the AAGUID of one of them."),
    ),
    Reason.AUTHENTICATOR_REVOKED: Wording(
        403,
        N_("Your organisation no longer vouches for this Authenticator."),
        N_("No passkey was added. Use another authenticator, or ask your helpdesk to enrol this one again."),
    ),
    # applications
    Reason.CLIENT_UNKNOWN: Wording(
        400,
        N_("We do not know the app that sent you here."),
        N_("Nothing has changed. Close this page, and tell your helpdesk the reference."),
    ),
    Reason.REDIRECT_URI_INVALID: Wording(
        400,
        N_("The app that sent you here wants the answer at an address it may not use."),
        N_("Nothing has changed. Close this page, and tell your helpdesk the reference."),
    ),
    Reason.AUTHORIZATION_UNKNOWN: Wording(
        410,
        N_("What the app asked for was answered already, or is too old."),
        N_("Nothing has changed. Start again in the app."),
    ),
    Reason.TOKEN_MISSING: Wording(
        401, N_("This needs an access token."), N_("Send it as: Authorization: Bearer, and the token.")
    ),
    Reason.TOKEN_INVALID: Wording(
        401, N_("The access token is not valid, or no longer."), N_("Get a new one; if that fails, sign in again.")
    ),
    Reason.SCOPE_MISSING: Wording(
        403, N_("The app was not given the right to do this."), N_("Sign in again and ask for the scope that is named.")
    ),
    # permission
    Reason.NOT_PERMITTED: Wording(
        403, N_("Your roles do not allow this."), N_("Ask a Global Administrator for the role you need.")
    ),
    Reason.NOT_YOURSELF: Wording(403, N_("This cannot be done for oneself."), N_("Ask another administrator.")),
    Reason.PHISHING_RESISTANT_REQUIRED: Wording(
        403, N_("The admin centre needs your passkey."), N_("Sign in once more, with the passkey.")
    ),
    Reason.ADMINISTRATOR_NEEDS_TWO_FACTORS: Wording(
        403,
        N_("A password alone does not open the admin centre."),
        N_("Add an authenticator app or a passkey under Security info, then come back. Or sign in with a pass."),
    ),
    Reason.POLICY_INVALID: Wording(
        400, N_("That policy contradicts itself."), N_("See what is marked, and change it.")
    ),
    Reason.POLICY_CHANGED_MEANWHILE: Wording(
        409,
        N_("The policy was changed by somebody else meanwhile."),
        N_("Nothing of yours is saved. Look at the policy as it is now, then change it again."),
    ),
    Reason.POLICY_VERSION_UNKNOWN: Wording(
        404, N_("There is no such version of the policy."), N_("List the versions to see their numbers.")
    ),
    # administration
    Reason.PERSON_UNKNOWN: Wording(404, N_("There is no such person."), N_("Check the username.")),
    Reason.PERSON_EXISTS: Wording(409, N_("There is a person of that username."), N_("Choose another username.")),
    Reason.GROUP_UNKNOWN: Wording(404, N_("There is no such group."), N_("List the groups to see their names.")),
    Reason.GROUP_EXISTS: Wording(409, N_("There is a group of that name."), N_("Choose another name.")),
    Reason.ROLE_UNKNOWN: Wording(404, N_("There is no such role."), N_("List the roles to see their names.")),
    Reason.ORGANIZATION_EXISTS: Wording(
        409, N_("This data directory has an organisation already."), N_("Use another directory for another one.")
    ),
    Reason.ORGANIZATION_MISSING: Wording(
        409, N_("There is no organisation here yet."), N_("Set it up with: ostiary admin init")
    ),
    Reason.DOMAIN_INVALID: Wording(400, N_("That is not a domain name."), N_("Give it as contoso.example.")),
    Reason.DOMAIN_EXISTS: Wording(409, N_("That domain is there already."), N_("Nothing needs to be done.")),
    Reason.DOMAIN_IN_USE: Wording(
        409, N_("That domain is the primary one, or people have usernames in it."), N_("Move or remove them first.")
    ),
    Reason.LAST_ADMINISTRATOR: Wording(
        409, N_("This is the last Global Administrator."), N_("Give the role to somebody else first.")
    ),
    Reason.LOGO_INVALID: Wording(
        400, N_("That is not a logo we can show."), N_("Use a PNG, JPEG, WebP or SVG file of at most 200 kB.")
    ),
    Reason.ACCENT_INVALID: Wording(400, N_("That is not a colour."), N_("Give it as #0f766e.")),
}

CLIENT_WORDING: dict[str, Wording] = {
    # what only the browser notices: the codes of static/js/reasons.js, and what becomes of a refused passkey
    "create_closed": Wording(400, N_("No passkey was made."), N_("Nothing has changed. Try again when you like.")),
    "create_timeout": Wording(
        400,
        N_("That took too long, so your device stopped it."),
        N_("Try again. With a phone, have Bluetooth on and the camera ready."),
    ),
    "create_blocked_fast": Wording(
        400,
        N_("Your browser stopped this before asking you."),
        N_("Press the button once more. If it stays, use a normal (not private) window or another browser."),
    ),
    "create_exists": Wording(
        409,
        N_("You already have a passkey here."),
        N_("Try it now. To make a new one, delete the old one under Security info and where it is saved, then add it."),
    ),
    "create_no_uv": Wording(
        400,
        N_("This device has no screen lock, or the security key no PIN."),
        N_("Set one first, then try again."),
    ),
    "create_unsupported_algorithm": Wording(
        400, N_("This device or security key is too old for passkeys."), N_("Use another one.")
    ),
    "create_unreadable": Wording(
        400,
        N_("Your device could not finish."),
        N_("Restart the browser, connect the security key again, then try once more."),
    ),
    "get_closed": Wording(
        400, N_("No passkey was used."), N_("Nothing has changed. Try again, or sign in another way.")
    ),
    "get_timeout": Wording(
        400,
        N_("That took too long, so your device stopped it."),
        N_("Try again. With a phone, have Bluetooth on and the camera ready."),
    ),
    "get_blocked_fast": Wording(
        400,
        N_("Your browser stopped this before asking you."),
        N_("Press the button once more. If it stays, use a normal (not private) window or another browser."),
    ),
    "get_none_here": Wording(
        400,
        N_("We could not use a passkey from this device."),
        N_("It may be on another device: use your phone or security key, or sign in another way."),
    ),
    "get_unreadable": Wording(
        400,
        N_("Your device could not finish."),
        N_("Restart the browser, connect the security key again, then try once more."),
    ),
    "insecure_address": Wording(
        400,
        N_("This address is not set up for passkeys. It is not your fault."),
        N_("Open the address your organisation gave you, and tell your helpdesk the reference."),
    ),
    "in_app_browser": Wording(
        400,
        N_("This window belongs to another app, where passkeys do not work."),
        N_("Open this page in your browser, such as Safari, Chrome or Firefox."),
    ),
    "no_webauthn": Wording(
        400, N_("This browser does not know passkeys."), N_("Update it, use another, or sign in another way.")
    ),
    "offline": Wording(
        503,
        N_("The server could not be reached."),
        N_("Check your connection and try again. If you were adding a passkey, look under Security info first."),
    ),
    "orphan_removed": Wording(
        400,
        N_("The passkey was not accepted."),
        N_("Your device was asked to forget the passkey it has just made. Delete it there if it is still listed."),
    ),
    "orphan_left": Wording(
        400,
        N_("The passkey was not accepted."),
        N_("Your device still holds the passkey it has just made: delete it where it is saved."),
    ),
}

PARTICULAR: dict[tuple[str, bool], tuple[str, str]] = {
    # (code, is it at sign-in) to a title and a next step that name names, for refusals that know them: see
    # `Refusal.particulars`. Where a name is missing, the general words above are said.
    (Reason.AAGUID_NOT_ALLOWED, False): (
        N_("Your organisation does not accept passkeys saved in %(provider)s."),
        N_("It accepts passkeys saved in %(accepted)s. Choose one of these, or ask your helpdesk about “%(rule)s”."),
    ),
    (Reason.AAGUID_NOT_ALLOWED, True): (
        N_("Your organisation no longer accepts passkeys saved in %(provider)s."),
        N_("Sign in another way, then add a passkey saved in %(accepted)s. The rule is “%(rule)s”."),
    ),
    (Reason.SYNCED_NOT_ALLOWED, False): (
        N_("Your organisation does not accept passkeys that are synced, like those of %(provider)s."),
        N_("Choose one that stays on one device: a security key, this computer or an authenticator app."),
    ),
    (Reason.SYNCED_NOT_ALLOWED, True): (
        N_("Your organisation no longer accepts passkeys that are synced, like those of %(provider)s."),
        N_("Sign in another way, then add a passkey that stays on one device, such as a security key."),
    ),
    (Reason.DEVICE_BOUND_NOT_ALLOWED, True): (
        N_("Your organisation no longer accepts passkeys that stay on one device, like those of %(provider)s."),
        N_("Sign in another way, then add a passkey in a password manager that syncs it."),
    ),
    (Reason.ATTESTATION_REQUIRED, False): (
        N_("Your organisation needs a passkey whose maker can be verified, and %(provider)s does not prove it."),
        N_("Use a security key or authenticator your organisation names."),
    ),
    (Reason.PASSKEY_LIMIT, False): (
        N_("You have as many passkeys as your organisation lets you have: %(most)s."),
        N_("Delete one you no longer use."),
    ),
}
_AT_SIGN_IN = {
    # where only the next step differs from that of a registration
    Reason.AAGUID_NOT_ALLOWED,
    Reason.SYNCED_NOT_ALLOWED,
    Reason.DEVICE_BOUND_NOT_ALLOWED,
    Reason.ATTESTATION_REQUIRED,
}
_OURS = {str(model) for model in OWN_MODELS}
_ENROL = N_("Ask your administrator for an enrolment code, use it in the Authenticator, and add the passkey again.")
_ANOTHER_WAY = N_("Sign in another way and add a passkey your organisation accepts, or ask your helpdesk.")


def words_of(refusal: Refusal, say: Callable[[str], str]) -> tuple[str, str]:
    """Title and next step of a refusal in the reader's language, as exact as what is known about it."""
    code = refusal.reason.value
    title, next = WORDING[code].title, WORDING[code].next
    if refusal.is_at_sign_in and refusal.reason in _AT_SIGN_IN:
        next = _ANOTHER_WAY
    elif refusal.reason is Reason.ATTESTATION_REQUIRED and refusal.aaguid in _OURS:
        return _filled(say(PARTICULAR[code, False][0]), refusal.particulars) or say(title), say(_ENROL)
    exact_title, exact_next = PARTICULAR.get((code, refusal.is_at_sign_in), ("", ""))
    said_title = _filled(say(exact_title), refusal.particulars) if exact_title else None
    said_next = _filled(say(exact_next), refusal.particulars) if exact_next else None
    return said_title or say(title), said_next or say(next)


def _filled(sentence: str, names: Mapping[str, str]) -> str | None:
    """None when a name is missing."""
    try:
        return sentence % names
    except KeyError:
        return None


def wording_of(code: str) -> Wording | None:
    return WORDING.get(code) or CLIENT_WORDING.get(code)
