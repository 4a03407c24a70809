/**
 * Content: the rules, playbooks and sources in force, distributed over the bus by digest.
 *
 * On `warden.content`: `file/<sha256>` -> a file's text; `bundle/<set>/<digest>` -> Bundle; `current/<set>` -> the digest
 * in force. Bodies are published before anything refers to them.
 */
import { z } from 'zod'

export const Bundle = z.strictObject({
  set: z.enum(['sources', 'rules', 'playbooks', 'inventory']),
  /** SHA-256 over the set's name and the list of paths and digests. */
  digest: z.string(),
  files: z.array(z.strictObject({ path: z.string(), sha256: z.string() })),
})
export type Bundle = z.infer<typeof Bundle>

/** A content file with its text: what compilers of rules, sources and playbooks take. Paths are relative, with `/`. */
export interface ContentFile {
  readonly path: string
  readonly text: string
}
