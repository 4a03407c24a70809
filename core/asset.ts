/**
 * Assets: the models, their releases and artifacts, the data sets; with sizes and digests, so that exposure can be
 * accounted against the whole.
 */
import { z } from 'zod'

export const Artifact = z.strictObject({
  /** Where it lives, e.g. `s3://weights-prod/llm-7b/shard-000.safetensors`. */
  uri: z.string(),
  bytes: z.number().nonnegative(),
  sha256: z.string().optional(),
})

export const Release = z.strictObject({
  version: z.string(),
  releasedAt: z.iso.datetime().optional(),
  artifacts: z.array(Artifact),
})
export type Release = z.infer<typeof Release>

export const Asset = z.strictObject({
  id: z.string(),
  tenant: z.string(),
  kind: z.enum(['model', 'training-data', 'code']),
  name: z.string(),
  /** URI prefixes that belong to it. */
  locations: z.array(z.string()),
  releases: z.array(Release),
})
export type Asset = z.infer<typeof Asset>
