// @ts-check
// The browser's WebAuthn, as thin as it can be: what it can do, the two ceremonies, and the Signal API.
// Everything speaks WebAuthn L3 JSON; browsers that cannot yet are helped here and nowhere else.

import { fromBase64url, toBase64url } from "./base64url.js";

/** @returns {boolean} */
export function isSupported() {
  return typeof PublicKeyCredential === "function" && typeof navigator.credentials?.get === "function";
}

/**
 * Whether passkeys can be offered in the username field's autofill.
 * @returns {Promise<boolean>}
 */
export async function hasAutofill() {
  if (!isSupported()) return false;
  try {
    // L3 capabilities first: a provider in front of the browser may have switched autofill off only there.
    const capabilities = await PublicKeyCredential.getClientCapabilities?.();
    if (typeof capabilities?.conditionalGet === "boolean") return capabilities.conditionalGet;
    return (await PublicKeyCredential.isConditionalMediationAvailable?.()) ?? false;
  } catch {
    return false;
  }
}

/**
 * The registration ceremony.
 * @param {any} optionsJSON PublicKeyCredentialCreationOptionsJSON
 * @param {{signal: AbortSignal}} control
 * @returns {Promise<any>} RegistrationResponseJSON
 */
export async function createPasskey(optionsJSON, { signal }) {
  const publicKey = parseCreationOptions(optionsJSON);
  return toJSON(await navigator.credentials.create({ publicKey, signal }));
}

/**
 * The authentication ceremony.
 * @param {any} optionsJSON PublicKeyCredentialRequestOptionsJSON
 * @param {{signal: AbortSignal, mediation?: CredentialMediationRequirement}} control
 * @returns {Promise<any>} AuthenticationResponseJSON
 */
export async function getPasskey(optionsJSON, { signal, mediation }) {
  const publicKey = parseRequestOptions(optionsJSON);
  return toJSON(await navigator.credentials.get({ publicKey, signal, ...(mediation && { mediation }) }));
}

/** @param {any} json */
function parseCreationOptions(json) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  return {
    ...json,
    challenge: fromBase64url(json.challenge),
    user: { ...json.user, id: fromBase64url(json.user.id) },
    excludeCredentials: parseDescriptors(json.excludeCredentials),
  };
}

/** @param {any} json */
function parseRequestOptions(json) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(json);
  return {
    ...json,
    challenge: fromBase64url(json.challenge),
    allowCredentials: parseDescriptors(json.allowCredentials),
  };
}

/** @param {any[] | undefined} descriptors */
function parseDescriptors(descriptors = []) {
  return descriptors.map((descriptor) => ({ ...descriptor, id: fromBase64url(descriptor.id) }));
}

/** @param {any} credential */
function toJSON(credential) {
  if (!credential) throw new DOMException("The browser gave no credential.", "NotReadableError");
  try {
    if (credential.toJSON) return credential.toJSON();
  } catch {
    // A provider's stand-in for the browser's object: its parts are there, the browser's method refuses it.
  }
  const { response } = credential;
  return {
    id: credential.id,
    rawId: toBase64url(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: encodeBytes(credential.getClientExtensionResults()),
    response: response.attestationObject ? attestationJSON(response) : assertionJSON(response),
  };
}

/** @param {any} response */
function attestationJSON(response) {
  return {
    clientDataJSON: toBase64url(response.clientDataJSON),
    attestationObject: toBase64url(response.attestationObject),
    transports: response.getTransports?.() ?? [],
    ...encodeBytes({
      authenticatorData: response.getAuthenticatorData?.(),
      publicKey: response.getPublicKey?.(),
      publicKeyAlgorithm: response.getPublicKeyAlgorithm?.(),
    }),
  };
}

/** @param {any} response */
function assertionJSON(response) {
  return {
    clientDataJSON: toBase64url(response.clientDataJSON),
    authenticatorData: toBase64url(response.authenticatorData),
    signature: toBase64url(response.signature),
    userHandle: response.userHandle ? toBase64url(response.userHandle) : undefined,
  };
}

/**
 * @param {any} value
 * @returns {any} the same shape with bytes in base64url
 */
function encodeBytes(value) {
  if (value instanceof ArrayBuffer || value instanceof Uint8Array) return toBase64url(value);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, encodeBytes(part)]));
}

/** @param {{rpId: string, credentialId: string}} facts */
export const signalUnknownCredential = (facts) => signal("signalUnknownCredential", facts);

/** @param {{rpId: string, userId: string, allAcceptedCredentialIds: string[]}} facts */
export const signalAllAcceptedCredentials = (facts) => signal("signalAllAcceptedCredentials", facts);

/** @param {{rpId: string, userId: string, name: string, displayName: string}} facts */
export const signalCurrentUserDetails = (facts) => signal("signalCurrentUserDetails", facts);

/**
 * Signals are courtesies (WebAuthn L3 §5.1.10): the passkey's provider may act on them and never says whether it did.
 * @param {string} name
 * @param {object} facts
 * @returns {Promise<boolean>} whether the browser took the signal
 */
async function signal(name, facts) {
  try {
    const method = /** @type {any} */ (PublicKeyCredential)[name];
    if (!method) return false;
    await method.call(PublicKeyCredential, facts);
    return true;
  } catch {
    return false;
  }
}
