/**
 * The forms in which people hand in licenses and credentials: over HTTP and in files.
 *
 * Stricter than the words of core/license.ts, because here a mistake can still be told to whoever made it. Country codes
 * and addresses come out in one spelling.
 */
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { limits } from '../../core/limits.ts'
import { Credential, License } from '../../core/license.ts'

const listMax = 1_000
const labelCharsMax = 64
export const secretCharsMin = 8
export const secretCharsMax = 4_096

/** What can stand in an id without looking like something else: no spaces, no control characters. */
const name = z
  .string()
  .max(limits.entityIdCharsMax)
  .regex(/^[^\s\p{C}]+$/u, 'Letters, digits and signs without spaces.')
const tenant = name.refine((text) => !text.includes('/'), 'A tenant has no slash.')

const model = name.refine((text) => text.indexOf('*', 0) < 0 || text.indexOf('*') === text.length - 1, {
  message: 'A * may stand at the end only, for any rest.',
})

const address = z.string().transform((text, context) => {
  const block = addressBlock(text)
  if (block !== undefined) return block
  context.issues.push({ code: 'custom', message: 'An address, or a CIDR block such as 203.0.113.0/24.', input: text })
  return z.NEVER
})

const country = z
  .string()
  .regex(/^[A-Za-z]{2}$/, 'Two letters (ISO 3166-1 alpha-2).')
  .transform((text) => text.toUpperCase())

const licenseShape = {
  ...License.shape,
  id: name,
  tenant,
  models: z.array(model).min(1).max(listMax),
  form: License.shape.form.default('api'),
  addresses: z.array(address).min(1).max(listMax).optional(),
  countries: z.array(country).min(1).max(listMax).optional(),
}

const inOrder = ({
  validFrom,
  validUntil,
}: {
  validFrom?: string | undefined
  validUntil?: string | undefined
}): boolean => validFrom === undefined || validUntil === undefined || Date.parse(validFrom) < Date.parse(validUntil)
const order = { message: 'validFrom is before validUntil.', path: ['validUntil'] }

/** What a license can be called. */
export const LicenseId = name

/** A license as somebody writes it. */
export const LicenseForm = z.strictObject(licenseShape).refine(inOrder, order)
/** The same where something else has said its id already. */
export const LicenseFormAt = z.strictObject({ ...licenseShape, id: LicenseId.optional() }).refine(inOrder, order)

const credentialShape = {
  tenant,
  principal: name,
  licenseId: name.optional(),
  label: z
    .string()
    .max(labelCharsMax)
    .regex(/^\P{C}*$/u, 'One line without control characters.')
    .optional(),
  expiresAt: Credential.shape.expiresAt,
}
const ofTenant = (form: { tenant: string; principal: string }): boolean => {
  const { tenant: owner, principal } = form
  return principal.startsWith(`${owner}/`) && principal.length > owner.length + 1
}
const owner = {
  message: 'A principal is written <tenant>/<user>, with the credential’s own tenant.',
  path: ['principal'],
}

/** A credential as a file has it: by reference to its secret, or by its id. */
export const credentialForm = <Secret extends z.ZodType>(secret: Secret) =>
  z
    .strictObject({ ...credentialShape, secret: secret.optional(), credentialId: name.optional() })
    .refine(ofTenant, owner)
    .refine((form) => (form['secret'] === undefined) !== (form['credentialId'] === undefined), {
      message: 'Give either secret or credentialId.',
    })

/** Whether a label gives away enough of a secret to matter. */
export function labelTellsSecret(label: string | undefined, secret: string): boolean {
  if (label === undefined) return false
  const shown = Math.max(8, Math.floor(secret.length / 3))
  if (label.includes(secret)) return true
  for (let at = 0; at + shown <= label.length; at++) if (secret.includes(label.slice(at, at + shown))) return true
  return false
}

/** The block in one spelling; `undefined` where it is none. IPv4 has four decimal parts, as octal and short forms mislead. */
function addressBlock(text: string): string | undefined {
  const [base = '', bits, more] = text.split('/')
  if (more !== undefined || (!base.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(base)) || base.includes('%'))
    return undefined
  if (!ipaddr.isValid(base)) return undefined
  const parsed = ipaddr.parse(base)
  const whole = parsed.kind() === 'ipv4' ? 32 : 128
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > whole)) return undefined
  return `${parsed.toString()}/${bits ?? whole}`
}
