/**
 * Finds what the correlations of a content set stand on: rules, and other correlations.
 *
 * Pure. Stands behind the reading of all files (compile.ts), since any file may name what stands in any other. A correlation
 * that stands on itself, or on one with mistakes, is left out and told.
 */
import { resolveBase, type CorrelationDraft, type Referable } from './correlation-rule.ts'
import type { Mistakes } from './mistakes.ts'
import type { Mapping } from './pipelines.ts'
import type { RuleHead } from './rule-meta.ts'
import type { SigmaCorrelation } from './types.ts'

export interface CorrelationCompiled {
  readonly draft: CorrelationDraft
  readonly base: SigmaCorrelation['base']
}

/** For each rule that a correlation refers to: whether any of these wants it to stand alone too. */
type Referred = ReadonlyMap<string, boolean>

export function standalone(id: string, referred: Referred): boolean {
  return referred.get(id) ?? true
}

export function compileCorrelations(
  rules: readonly { readonly head: RuleHead; readonly mapping: Mapping }[],
  drafts: readonly CorrelationDraft[],
  mistakes: Mistakes,
): { readonly compiled: readonly CorrelationCompiled[]; readonly referred: Referred } {
  const byReference = new Map<string, Referable>()
  const know = (item: Referable): void => {
    byReference.set(item.id, item)
    if (item.name !== undefined) byReference.set(item.name, item)
  }
  for (const { head, mapping } of rules) know(referable('rule', head, { fields: mapping.fields }))
  for (const draft of drafts) {
    know(referable('correlation', draft.head, { fields: (field) => [field], groupBy: draft.groupBy }))
  }
  const referred = new Map<string, boolean>()
  const compiled = new Map<string, CorrelationCompiled>()
  for (const draft of drafts) {
    const base = resolveBase(draft, (reference) => byReference.get(reference), mistakes)
    if (base !== undefined) compiled.set(draft.head.id, { draft, base })
  }
  dropUnusable(compiled, mistakes)
  for (const { draft, base } of compiled.values()) {
    for (const { id } of base) referred.set(id, draft.generate || referred.get(id) === true)
  }
  return { compiled: [...compiled.values()], referred }
}

function referable(kind: Referable['kind'], head: RuleHead, rest: Omit<Referable, 'kind' | 'id' | 'name'>): Referable {
  return { kind, id: head.id, ...(head.name === undefined ? {} : { name: head.name }), ...rest }
}

/** Takes out correlations that stand on themselves, and those that stand on one that was taken out. */
function dropUnusable(compiled: Map<string, CorrelationCompiled>, mistakes: Mistakes): void {
  const settled = new Set<string>()
  for (let progress = true; progress;) {
    progress = false
    for (const [id, { base }] of compiled) {
      if (settled.has(id) || !base.every((each) => each.kind === 'rule' || settled.has(each.id))) continue
      settled.add(id)
      progress = true
    }
  }
  const stuck = [...compiled].filter(([id]) => !settled.has(id))
  for (const [id, { draft, base }] of stuck) {
    compiled.delete(id)
    const place = draft.parsed.place(['correlation', 'rules'])
    const missing = base.some(
      (each) => each.kind === 'correlation' && !stuck.some(([other]) => other === each.id) && !settled.has(each.id),
    )
    if (missing)
      mistakes.add('SIGMA_CORRELATION_REFERENCE', 'A correlation that this one stands on has mistakes.', place)
    else mistakes.add('SIGMA_CORRELATION_CYCLE', 'This correlation stands on itself.', place)
  }
}
