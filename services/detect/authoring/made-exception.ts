/**
 * Makes an exception out of a finding, and says whether it may be put in force: what `modelwarden rules except` does.
 *
 * Pure. Promises: the exception hides the finding's own evidence, or it is not made; it hides none of the cases that the rule
 * must find, or it is refused, with the cases' names; values of events stand in it literally, wildcards included.
 */
import { counted } from '../../../core/counted.ts'
import type { ContentFile } from '../../../core/content.ts'
import { derivedId } from '../../../core/ids.ts'
import { formatMistake } from '../../../core/errors.ts'
import type { Signal } from '../../../core/signal.ts'
import { compilePath } from '../../../engine/sigma/field-path.ts'
import { Exceptions } from '../../../engine/sigma/exceptions.ts'
import { readTexts } from '../../../engine/sigma/fields.ts'
import type { EventTree } from '../../../engine/sigma/types.ts'
import { runRuleCases } from './rule-cases.ts'
import { compileRules } from '../rule-set/rule-set.ts'

export interface ExceptionWish {
  readonly signal: Signal
  /** The events behind it, as far as they are to be had. */
  readonly events: readonly EventTree[]
  /** Fields that must be as in the events; undefined: what the finding is grouped by, and the action. */
  readonly fields: readonly string[] | undefined
  readonly author: string
  readonly reason: string
  /** An ISO time; undefined: without an end. */
  readonly expires: string | undefined
}

export interface MadeException {
  /** The document, as plain data. */
  readonly document: Readonly<Record<string, unknown>>
  readonly fileName: string
}

const valuesMax = 50

/** The exception, or why none can be made. */
export function makeException(wish: ExceptionWish): MadeException | string {
  const { signal, events, author, reason, expires } = wish
  if (events.length === 0) return 'None of the events behind the signal is to be had.'
  const known: Record<string, unknown> = {}
  for (const field of wish.fields ?? defaultFields(signal)) {
    const get = compilePath(field)
    const values = [...new Set(events.flatMap((event) => readTexts(get, event)))]
    const missing = events.some((event) => readTexts(get, event).length === 0)
    if (wish.fields === undefined && (missing || values.length > valuesMax)) continue
    if (missing) return `Not every event behind the signal has the field "${field}".`
    if (values.length > valuesMax) return `"${field}" has more than ${valuesMax} different values.`
    const literal = values.map((value) => value.replace(/[\\*?]/g, '\\$&'))
    known[field] = literal.length === 1 ? literal[0] : literal
  }
  if (Object.keys(known).length === 0) return 'There is no field to tell the exception by: name some.'
  const id = derivedId('exception', signal.id, reason, JSON.stringify(known))
  const document = {
    title: `Exception: ${signal.rule.title}`.slice(0, 256),
    id,
    description: `Made from the signal ${signal.id}.`,
    logsource: {},
    modelwarden: { author, reason, ...(expires === undefined ? {} : { expires }), signal: signal.id },
    filter: { rules: [signal.rule.id], known, condition: 'not known' },
  }
  const slug = signal.rule.title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/-$/, '')
  return { document, fileName: `${slug === '' ? 'exception' : slug}-${id.slice(0, 8)}.yml` }
}

function defaultFields(signal: Signal): readonly string[] {
  return [...new Set([...Object.keys(signal.group), 'event.action'])]
}

/** What speaks against putting an exception in force; empty: nothing does. */
export function objections(
  { document, fileName }: MadeException,
  wish: ExceptionWish,
  rules: { readonly files: readonly ContentFile[]; readonly cases: readonly ContentFile[] },
  sources: readonly ContentFile[],
): readonly string[] {
  const exception: ContentFile = { path: `exceptions/${fileName}`, text: JSON.stringify(document) }
  const before = compileRules(rules.files)
  const { set, mistakes } = compileRules([...rules.files, exception])
  const added = mistakes.filter(({ place }) => place?.file === exception.path)
  if (added.length > 0) return added.map(formatMistake)
  const ruleId = wish.signal.rule.id
  const hides = new Exceptions(set.exceptions)
  const seen = wish.events.filter(
    (event) => hides.hiding(ruleId, event, Date.parse(String(event['@timestamp']))) === undefined,
  )
  if (seen.length > 0)
    return [`It would not hide ${seen.length} of the ${counted(wish.events.length, 'event')} behind the signal.`]
  const metas = [...before.set.sigma, ...before.set.correlations.map(({ rule }) => rule)].map(({ meta }) => meta)
  const file = metas.find(({ id }) => id === ruleId)?.place.file.replace(/\.ya?ml$/, '.cases.yml')
  const own = rules.cases.filter(({ path }) => path === file)
  const failing = (with_: readonly ContentFile[]): ReadonlyMap<string, readonly string[]> =>
    new Map(
      runRuleCases([...rules.files, ...with_, ...own], sources)
        .results.filter(({ differences }) => differences.length > 0)
        .map(({ name, differences }) => [name, differences]),
    )
  const already = failing([])
  return [...failing([exception])]
    .filter(([name]) => !already.has(name))
    .map(([name, differences]) => `It would hide what the case "${name}" must find: ${differences.join('; ')}.`)
}
