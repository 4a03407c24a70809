/**
 * The inventory: what detectors may know beside the traffic. Models with their reference inputs and the filters of their
 * training records, assets with the sizes of their files, licenses, canaries, people.
 *
 * A content set like rules: files in folders, published by digest, in force in every partition from a place in its log.
 * Each file holds any part of it, as YAML or JSON; what several files say of one model adds up.
 */
import { z } from 'zod'
import { Asset } from './asset.ts'
import { License } from './license.ts'

const id = z.string().min(1).max(512)

/**
 * A Bloom filter over the input hashes of training records (core/record-filter.ts): 32-bit words, little-endian, base64.
 * A set of any size is several filters: a content file has its limit.
 */
export const RecordFilter = z.strictObject({
  hashes: z.int().min(1).max(32),
  /** Bits, a multiple of 32. */
  bits: z.int().min(32).max(2_800_000),
  words: z.string(),
  /** Records that were added. */
  records: z.int().nonnegative(),
})
export type RecordFilter = z.infer<typeof RecordFilter>

export const RegisteredModel = z.strictObject({
  id,
  /** Length of its input vectors. */
  dimension: z.int().positive().optional(),
  classes: z.int().positive().optional(),
  /** Inputs as honest use has them, scaled as the gateway logs them. */
  reference: z.array(z.array(z.number()).max(4_096)).max(2_000).default([]),
  trainingRecords: z.array(RecordFilter).max(64).default([]),
})
export type RegisteredModel = z.infer<typeof RegisteredModel>

export const RegisteredLicense = License.extend({
  /** `tenant/user`: whose it is; absent: the whole tenant's. */
  principal: id.optional(),
})
export type RegisteredLicense = z.infer<typeof RegisteredLicense>

export const RegisteredCanary = z.strictObject({
  id,
  question: z.string().max(8_192),
  answer: z.string().max(8_192),
  /** Answers that a model which never saw the canary gives as readily. */
  distractors: z.array(z.string().max(8_192)).max(1_000).default([]),
})
export type RegisteredCanary = z.infer<typeof RegisteredCanary>

/** A canary's text by its digest, for where it should never be seen: planted ones and controls. */
export const RegisteredCanaryText = z.strictObject({
  canary: id,
  part: z.enum(['question', 'answer', 'record']),
  /** SHA-256 of the whole text as gateways log it, in hexadecimal. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
})
export type RegisteredCanaryText = z.infer<typeof RegisteredCanaryText>

export const RegisteredPerson = z.strictObject({
  /** `tenant/user`. */
  principal: id,
  role: z.string().max(256).optional(),
  /** Where they usually are. */
  addresses: z.array(z.string().max(64)).max(64).default([]),
})
export type RegisteredPerson = z.infer<typeof RegisteredPerson>

export const InventoryFile = z.strictObject({
  /** Their releases' files, with sizes and digests. */
  assets: z.array(Asset).max(10_000).default([]),
  models: z.array(RegisteredModel).max(10_000).default([]),
  licenses: z.array(RegisteredLicense).max(100_000).default([]),
  canaries: z.array(RegisteredCanary).max(100_000).default([]),
  canaryTexts: z.array(RegisteredCanaryText).max(500_000).default([]),
  people: z.array(RegisteredPerson).max(100_000).default([]),
})
export type InventoryFile = z.input<typeof InventoryFile>
