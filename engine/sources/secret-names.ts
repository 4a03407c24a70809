/**
 * Names that mean a secret in any record, whoever wrote it. A net under the fields that sources declare sensitive.
 */

const names: ReadonlySet<string> = new Set([
  'authorization',
  'proxyauthorization',
  'apikey',
  'xapikey',
  'apisecret',
  'secret',
  'secretkey',
  'secretaccesskey',
  'clientsecret',
  'password',
  'passwd',
  'passphrase',
  'privatekey',
  'accesstoken',
  'authtoken',
  'bearertoken',
  'idtoken',
  'refreshtoken',
  'sessiontoken',
  'securitytoken',
  'xamzsecuritytoken',
  'token',
  'cookie',
  'setcookie',
])

/** The longest of them with the separators that they are written with. */
const nameCharsMax = 32
const separators = /[-_. ]/g
/** One of these letters sequences stands in every name above: most keys are told apart without a copy. */
const telling = /auth|key|secret|pass|token|cookie/i

/** Whether text under this name is a secret: `apiKey`, `api_key` and `X-Api-Key` are the same name. */
export function isSecretName(key: string): boolean {
  if (key.length > nameCharsMax || !telling.test(key)) return false
  return names.has(key.replaceAll(separators, '').toLowerCase())
}
