// @ts-check
// The server's half of signing in with a passkey, for every page that does.

import { OptionsSource } from "./options.js";
import { post, Refusal } from "./server.js";
import { signalUnknownCredential } from "./webauthn.js";

/**
 * @param {string} [username] whose passkeys are asked for; without it, any that the person has here
 * @returns {OptionsSource}
 */
export function authenticationOptions(username) {
  return new OptionsSource("/sign-in/passkey/options", username ? { username } : {});
}

/**
 * @param {any} credential AuthenticationResponseJSON
 * @param {any} options it answers
 * @returns {Promise<{next: string}>}
 */
export async function signInWith(credential, options) {
  try {
    return await post("/sign-in/passkey", credential);
  } catch (error) {
    // Only when the server said that it no longer has this passkey: on any doubt a good one would be hidden.
    if (error instanceof Refusal && error.isDefinite && error.code === "credential_unknown") {
      await signalUnknownCredential({ rpId: options.rpId ?? location.hostname, credentialId: credential.id });
    }
    throw error;
  }
}
