// Stands in for navigator.credentials in pages under test: what a page asks goes to the authenticator of the test, and
// comes back as the browser's own types. The browser's origin is told by the browser, not by this script.
(() => {
  const bytes = (text) => {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (character) => character.charCodeAt(0)).buffer;
  };
  const text = (source) => {
    const view = ArrayBuffer.isView(source)
      ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
      : new Uint8Array(source);
    return btoa(String.fromCharCode(...view)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };
  // options as JSON, whatever in them is a buffer as base64url
  const plain = (value) => {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return text(value);
    if (Array.isArray(value)) return value.map(plain);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined).map(([name, one]) => [name, plain(one)]));
    }
    return value;
  };
  const made = (prototype, members) =>
    Object.create(prototype, Object.fromEntries(Object.entries(members).map(([name, value]) => [name, { value, enumerable: true }])));
  const outputs = (results) => {
    const found = { ...results };
    if (found.prf?.results) {
      found.prf = { ...found.prf, results: Object.fromEntries(Object.entries(found.prf.results).map(([name, one]) => [name, bytes(one)])) };
    }
    if (found.largeBlob?.blob) found.largeBlob = { ...found.largeBlob, blob: bytes(found.largeBlob.blob) };
    return found;
  };
  const responseOf = (json) => {
    const { response } = json;
    const clientDataJSON = bytes(response.clientDataJSON);
    if (response.attestationObject) {
      return made(AuthenticatorAttestationResponse.prototype, {
        clientDataJSON,
        attestationObject: bytes(response.attestationObject),
        getAuthenticatorData: () => bytes(response.authenticatorData),
        getPublicKey: () => (response.publicKey ? bytes(response.publicKey) : null),
        getPublicKeyAlgorithm: () => response.publicKeyAlgorithm,
        getTransports: () => [...response.transports],
      });
    }
    return made(AuthenticatorAssertionResponse.prototype, {
      clientDataJSON,
      authenticatorData: bytes(response.authenticatorData),
      signature: bytes(response.signature),
      userHandle: response.userHandle ? bytes(response.userHandle) : null,
    });
  };
  const ask = async (kind, options) => {
    const { signal } = options;
    signal?.throwIfAborted();
    const answer = window.__ostiaryAuthenticator({
      kind,
      options: plain(options.publicKey),
      mediation: options.mediation ?? "optional",
    });
    const aborted = new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true }));
    const { json, error } = await Promise.race([answer, aborted]);
    if (error) throw error.name === "TypeError" ? new TypeError(error.message) : new DOMException(error.message, error.name);
    return made(PublicKeyCredential.prototype, {
      id: json.id,
      rawId: bytes(json.rawId),
      type: "public-key",
      authenticatorAttachment: json.authenticatorAttachment,
      response: responseOf(json),
      getClientExtensionResults: () => outputs(json.clientExtensionResults),
      toJSON: () => json,
    });
  };
  const { credentials } = navigator;
  if (!credentials) return; // not a secure context: there is no WebAuthn here
  const original = { create: credentials.create.bind(credentials), get: credentials.get.bind(credentials) };
  credentials.create = (options) => (options?.publicKey ? ask("create", options) : original.create(options));
  credentials.get = (options) => (options?.publicKey ? ask("get", options) : original.get(options));
  PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable = async () => true;
  PublicKeyCredential.isConditionalMediationAvailable = async () => false;
})();
