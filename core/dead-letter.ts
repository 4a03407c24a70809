/**
 * Dead letters: what could not be processed, kept with its reason, so that it can be put back once the cause is mended.
 */
import { z } from 'zod'

/** Reason codes; docs/bad-input.md lists what leads to each. Stages may only use these: the set is bounded. */
export const deadLetterCodes = [
  'NOT_JSON',
  'NOT_UTF8',
  'NOT_AN_OBJECT',
  'TOO_LARGE',
  'TOO_DEEP',
  'EMPTY',
  'BAD_ENCODING',
  'SOURCE_MISSING',
  'SOURCE_UNKNOWN',
  'IDENTITY_MISSING',
  'TIME_MISSING',
  'TIME_INVALID',
  'EVENT_FROM_FUTURE',
  'EVENT_TOO_OLD',
  'TENANT_MISSING',
  'FIELD_INVALID',
  'NOT_AN_EVENT',
  'NOT_A_SIGNAL',
  'NOT_AN_INCIDENT',
  'NOT_A_DECISION',
  'NOT_AN_EFFECT',
  'CONTROL_INVALID',
  'INDEX_REFUSED',
  'STEP_FAILED',
] as const
export type DeadLetterCode = (typeof deadLetterCodes)[number]

export const DeadLetter = z.strictObject({
  /** From stage, position and code. */
  id: z.string(),
  stage: z.string(),
  code: z.enum(deadLetterCodes),
  message: z.string(),
  hint: z.string().optional(),
  source: z.string().optional(),
  at: z.iso.datetime(),
  position: z.strictObject({ topic: z.string(), partition: z.number(), offset: z.number(), index: z.number() }),
  /** Length and SHA-256 of the whole. */
  bytes: z.number(),
  sha256: z.string(),
  key: z.string().optional(),
  headers: z.record(z.string(), z.string()),
  /** The original up to 64 KiB, secrets masked; base64 where it is not UTF-8. */
  original: z.string(),
  encoding: z.enum(['utf8', 'base64']),
  truncated: z.boolean(),
  /** Once it was put back: how often, when last, by whom. The letter is published again with it. */
  replayed: z.strictObject({ count: z.int().positive(), at: z.iso.datetime(), by: z.string() }).optional(),
})
export type DeadLetter = z.infer<typeof DeadLetter>
