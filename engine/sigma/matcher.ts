/**
 * Matches events against all single-event rules at once.
 *
 * Pure but for its caches. Stands in the detect service, one a task. The cost of an event follows the rules that may match it:
 * first its log source picks an index of rules (made once a log source), then the index picks candidates, then these are
 * evaluated over shared field reads.
 */
import { compileRule, type Check } from './evaluate.ts'
import { FieldReader } from './fields.ts'
import { covers, logSource } from './rule-meta.ts'
import { RuleIndex } from './rule-index.ts'
import type { EventTree, LogSource, MatchedRule, Matcher } from './types.ts'

/** Log sources remembered. Values that no rule names count as one, so that events can't make many. */
const logSourcesMax = 4_096
/** Rules in all indexes together, each counted as often as it is in one. Past that, events meet the index of all rules. */
const indexedRulesMax = 100_000

export interface MatcherStats {
  /** Candidates that the last event had. */
  readonly candidates: number
}

/**
 * Which rules an event meets. `said`: those whose log source is what the event says of itself in `warden.logsource`, as every
 * event past normalize does. `open`: an event without it is a record as it came; its own `product`, `service` and `category`
 * rule out what contradicts them, and what it does not say rules out nothing.
 */
export type Routing = 'said' | 'open'

export function createMatcher<Rule extends MatchedRule>(
  rules: readonly Rule[],
  routing: Routing = 'said',
): Matcher<Rule> & MatcherStats {
  return new IndexedMatcher(rules, routing)
}

const dimensions = ['product', 'service', 'category'] as const

/** The rules that events of one log source meet. */
interface Met<Rule extends MatchedRule> {
  index: RuleIndex<Rule>
  /** Where the index holds other rules too: one bit a rule, set for those that are met. */
  mask: Uint32Array | undefined
  readonly numbers: readonly number[]
  /** Events of this log source that went through the index of all rules. */
  events: number
}

/**
 * An index of their own is made at once for few of the rules, and as long as such indexes together hold no more rules than
 * there are; after that for log sources with so many events: it takes a while.
 */
const fewOfRules = 1 / 4
const eventsBeforeIndex = 20_000

class IndexedMatcher<Rule extends MatchedRule> implements Matcher<Rule>, MatcherStats {
  readonly rules: readonly Rule[]
  readonly #reader = new FieldReader()
  readonly #met = new Map<string, Met<Rule>>()
  /** Log sources with the same rules share an index. */
  readonly #byRules = new Map<string, RuleIndex<Rule>>()
  readonly #routing: Routing
  /** What rules name, in lower case. */
  readonly #known: Readonly<Record<keyof LogSource, ReadonlySet<string>>>
  /** Compiled rules, shared by all indexes. */
  readonly #checks = new Map<Rule, Check>()
  #lastMet: Met<Rule> | undefined
  #lastSource: ReadLogSource | undefined
  #lastOpen = false
  #indexedRules = 0
  #all: RuleIndex<Rule> | undefined
  #last: RuleIndex<Rule> | undefined

  constructor(rules: readonly Rule[], routing: Routing) {
    this.rules = rules
    this.#routing = routing
    const named = (key: keyof LogSource): ReadonlySet<string> =>
      new Set(rules.flatMap(({ meta }) => meta.logsource[key]?.toLowerCase() ?? []))
    this.#known = { product: named('product'), service: named('service'), category: named('category') }
  }

  get candidates(): number {
    return this.#last?.candidates ?? 0
  }

  match(event: EventTree, onMatch: (rule: Rule) => void): void {
    const met = this.#metBy(event)
    if (met.mask !== undefined && ++met.events === eventsBeforeIndex) {
      const own = this.#ownIndex(met.numbers)
      if (own !== undefined) Object.assign(met, { index: own, mask: undefined })
    }
    this.#last = met.index
    this.#reader.read(event)
    met.index.match(onMatch, met.mask)
  }

  #metBy(event: EventTree): Met<Rule> {
    const said = logSourceOf(event)
    const open = said === noLogSource && this.#routing === 'open'
    const source = open ? rawSource(event) : said
    // Mostly it is the log source of the event before.
    if (open === this.#lastOpen && isSameSource(source, this.#lastSource)) return this.#lastMet!
    let key = open ? 'open' : 'said'
    for (const dimension of dimensions) key += `\u0000${this.#spell(dimension, source[dimension])}`
    this.#lastMet = this.#met.get(key) ?? this.#remember(key, source, open)
    this.#lastSource = source
    this.#lastOpen = open
    return this.#lastMet
  }

  #spell(dimension: keyof LogSource, value: string | undefined): string {
    if (value === undefined) return ''
    const known = this.#known[dimension]
    if (known.has(value)) return value
    const lower = value.toLowerCase()
    return known.has(lower) ? lower : '?'
  }

  #remember(key: string, source: ReadLogSource, open: boolean): Met<Rule> {
    const fits = open
      ? (rule: Rule) => !contradicts(rule.meta.logsource, source)
      : (rule: Rule) => covers(rule.meta.logsource, definedOnly(source))
    const numbers: number[] = []
    for (const [number, rule] of this.rules.entries()) if (fits(rule)) numbers.push(number)
    const { length } = this.rules
    const isFew = numbers.length <= length * fewOfRules || this.#indexedRules + numbers.length <= length
    const own = numbers.length < length && isFew ? this.#ownIndex(numbers) : undefined
    const index = own ?? this.#indexOfAll()
    const mask = own === undefined && numbers.length < length ? maskOf(numbers, length) : undefined
    const met: Met<Rule> = { index, mask, numbers, events: 0 }
    if (this.#met.size >= logSourcesMax) this.#met.clear()
    this.#met.set(key, met)
    return met
  }

  #indexOfAll(): RuleIndex<Rule> {
    return (this.#all ??= new RuleIndex(this.rules, this.#reader, this.#checkOf))
  }

  /** An index of these rules and no others; undefined: there are too many indexes. */
  #ownIndex(numbers: readonly number[]): RuleIndex<Rule> | undefined {
    const same = numbers.join(',')
    const known = this.#byRules.get(same)
    if (known !== undefined) return known
    if (this.#indexedRules + numbers.length > indexedRulesMax) return undefined
    this.#indexedRules += numbers.length
    const rules = numbers.map((number) => this.rules[number]!)
    const index = new RuleIndex(rules, this.#reader, this.#checkOf)
    this.#byRules.set(same, index)
    return index
  }

  readonly #checkOf = (rule: Rule): Check => {
    let check = this.#checks.get(rule)
    if (check === undefined) this.#checks.set(rule, (check = compileRule(rule.condition, this.#reader)))
    return check
  }
}

function maskOf(numbers: readonly number[], rules: number): Uint32Array {
  const mask = new Uint32Array(Math.ceil(rules / 32))
  for (const number of numbers) mask[number >>> 5]! |= 1 << (number & 31)
  return mask
}

interface ReadLogSource {
  readonly product: string | undefined
  readonly service: string | undefined
  readonly category: string | undefined
}

const noLogSource: ReadLogSource = { product: undefined, service: undefined, category: undefined }

/** What an event says of its log source; anything else than texts counts as not said. */
export function logSourceOf(event: EventTree): ReadLogSource {
  const warden = event['warden']
  if (typeof warden !== 'object' || warden === null) return noLogSource
  const source = (warden as { logsource?: unknown }).logsource
  if (typeof source !== 'object' || source === null) return noLogSource
  return readSource(source)
}

function readSource(source: { product?: unknown; service?: unknown; category?: unknown }): ReadLogSource {
  const { product, service, category } = source
  return {
    product: typeof product === 'string' ? product : undefined,
    service: typeof service === 'string' ? service : undefined,
    category: typeof category === 'string' ? category : undefined,
  }
}

function isSameSource(a: ReadLogSource, b: ReadLogSource | undefined): boolean {
  return a.product === b?.product && a.service === b?.service && a.category === b?.category && b !== undefined
}

/** What a record as it came says of itself; blank is not said. */
function rawSource(event: EventTree): ReadLogSource {
  const { product, service, category } = readSource(event)
  return { product: spoken(product), service: spoken(service), category: spoken(category) }
}

function spoken(value: string | undefined): string | undefined {
  const trimmed = value?.trim()
  return trimmed === '' ? undefined : trimmed
}

export function definedOnly(source: ReadLogSource): LogSource {
  return logSource(source.product, source.service, source.category)
}

/** Whether both name a product, service or category, and not the same. */
function contradicts(wanted: LogSource, source: ReadLogSource): boolean {
  return dimensions.some((key) => {
    const value = source[key]
    return value !== undefined && wanted[key] !== undefined && wanted[key].toLowerCase() !== value.toLowerCase()
  })
}
