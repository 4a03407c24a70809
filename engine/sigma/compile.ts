/**
 * Compiles the Sigma files of a content set: rules, correlations, filters, pipelines.
 *
 * Pure. Stands before the matcher and the operators. Promises: never throws for what a file says; every mistake is listed with
 * file, line and column; a document with a mistake is left out and the rest stays usable (whether to use it is the caller's to
 * decide). The same files in any order compile to the same rules.
 *
 * Files are told by their place and content: `pipelines/*.yml` are processing pipelines, `*.cases.yml` test cases (left
 * alone), documents with `behavior:` belong to the other engine; the rest must be Sigma.
 */
import type { ContentFile } from '../../core/content.ts'
import type { FilePlace } from '../../core/errors.ts'
import { canonicalDigest } from '../../core/ids.ts'
import { parseYaml, parseYamlDocuments, type ParsedYaml } from '../../core/yaml.ts'
import { Collection } from './collection.ts'
import { compileCorrelations, standalone, type CorrelationCompiled } from './compile-correlations.ts'
import { readCorrelation, type CorrelationDraft } from './correlation-rule.ts'
import { readFilter, type FilterDraft } from './filter.ts'
import { Mistakes } from './mistakes.ts'
import { readPipeline, type Pipeline } from './pipeline-file.ts'
import { mapRule, orderPipelines, type Mapping } from './pipelines.ts'
import { readDetection } from './rule-detection.ts'
import { readLogSource, readRuleHead, type RuleHead } from './rule-meta.ts'
import type {
  CompiledSigma,
  Condition,
  LogSource,
  RuleMeta,
  SigmaCorrelation,
  SigmaException,
  SigmaRule,
} from './types.ts'

interface RuleDraft {
  readonly kind: 'rule'
  readonly head: RuleHead
  readonly parsed: ParsedYaml
  readonly mapping: Mapping
  readonly condition: Condition
}

export function compileSigma(files: readonly ContentFile[]): CompiledSigma {
  const mistakes = new Mistakes()
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  const rules: RuleDraft[] = []
  const correlations: CorrelationDraft[] = []
  const filters: FilterDraft[] = []
  const pipelines = orderPipelines(readPipelines(sorted, mistakes))
  const ids = new Taken()
  for (const file of sorted) {
    if (!isYaml(file.path) || isPipeline(file.path) || file.path.endsWith('.cases.yml')) continue
    const collection = new Collection(mistakes)
    for (const [index, parsed] of parseYamlDocuments(file).entries()) {
      if (parsed.mistakes.length > 0) mistakes.addAll(parsed.mistakes)
      else {
        const rule = collection.take(parsed)
        if (rule !== undefined) readDocument(rule, index)
      }
    }
  }

  function readDocument(parsed: ParsedYaml, index: number): void {
    const { value } = parsed
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      mistakes.add('SIGMA_NOT_A_RULE', 'A rule is a map with a title.', parsed.place([]))
      return
    }
    if ('behavior' in value) return
    const kind = (['detection', 'correlation', 'filter'] as const).find((key) => key in value)
    if (kind === undefined) {
      mistakes.add('SIGMA_NOT_A_RULE', 'The document has neither detection, correlation nor filter.', parsed.place([]))
      return
    }
    const head = readRuleHead(parsed, index, mistakes, kind === 'filter' ? kind : undefined)
    if (head === undefined || !ids.take(head, mistakes)) return
    if (kind === 'detection') push(rules, readRule(parsed, head, pipelines, mistakes))
    else if (kind === 'correlation') push(correlations, readCorrelation(parsed, head, mistakes))
    else push(filters, readFilter(parsed, head, pipelines, mistakes))
  }

  checkFilterReferences(filters, [...rules, ...correlations], mistakes)
  const plain = filters.filter(({ envelope }) => envelope === undefined)
  const filtered = applyFilters(rules, plain)
  const { compiled, referred } = compileCorrelations(filtered, correlations, mistakes)
  return {
    rules: filtered.map((draft) => finishRule(draft, standalone(draft.head.id, referred))),
    correlations: compiled.map((draft) => finishCorrelation(draft, standalone(draft.draft.head.id, referred))),
    exceptions: exceptionsOf(filters, filtered, correlations),
    mistakes: inFileOrder(mistakes),
  }
}

function push<T>(list: T[], item: T | undefined): void {
  if (item !== undefined) list.push(item)
}

function isYaml(path: string): boolean {
  return path.endsWith('.yml') || path.endsWith('.yaml')
}

function isPipeline(path: string): boolean {
  return /(^|\/)pipelines\//.test(path)
}

function readPipelines(files: readonly ContentFile[], mistakes: Mistakes): readonly Pipeline[] {
  const pipelines: Pipeline[] = []
  for (const file of files) {
    if (!isYaml(file.path) || !isPipeline(file.path)) continue
    const parsed = parseYaml(file)
    if (parsed.mistakes.length > 0) mistakes.addAll(parsed.mistakes)
    else push(pipelines, readPipeline(parsed, mistakes))
  }
  return pipelines
}

/** Ids and names share one space: a correlation refers by either. */
class Taken {
  readonly #by = new Map<string, FilePlace>()

  take(head: RuleHead, mistakes: Mistakes): boolean {
    const { id, name, place } = head
    const keys = name === undefined || name === id ? [id] : [id, name]
    for (const key of keys) {
      const first = this.#by.get(key)
      if (first === undefined) continue
      const code = key === id ? 'SIGMA_ID_DUPLICATE' : 'SIGMA_NAME_DUPLICATE'
      const message = `"${key.slice(0, 100)}" already stands for the rule in ${first.file}:${first.line}.`
      mistakes.add(code, message, place)
      return false
    }
    for (const key of keys) this.#by.set(key, place)
    return true
  }
}

function readRule(
  parsed: ParsedYaml,
  head: RuleHead,
  pipelines: readonly Pipeline[],
  mistakes: Mistakes,
): RuleDraft | undefined {
  const before = mistakes.count
  const logsource = readLogSource(parsed, mistakes)
  const mapping = mapRule(pipelines, { parsed, key: 'detection', head, logsource: logsource ?? {} }, mistakes)
  for (const message of mapping.refusals) mistakes.add('SIGMA_RULE_REFUSED', message, head.place)
  const condition = readDetection(parsed, 'detection', mapping, mistakes)
  if (mistakes.count > before || condition === undefined) return undefined
  const all = [condition, ...mapping.conditions]
  return { kind: 'rule', head, parsed, mapping, condition: all.length === 1 ? condition : { kind: 'and', of: all } }
}

/** Plain filters are about rules; an exception may be about a correlation too: it hides events from it. */
function checkFilterReferences(
  filters: readonly FilterDraft[],
  drafts: readonly { readonly head: RuleHead }[],
  mistakes: Mistakes,
): void {
  for (const filter of filters) {
    for (const [index, reference] of (filter.rules ?? []).entries()) {
      const found = drafts.find(({ head }) => head.id === reference || head.name === reference)
      const place = filter.parsed.place(['filter', 'rules', index])
      if (found === undefined) {
        const message = `There is no rule with the id or name "${reference.slice(0, 100)}".`
        mistakes.add('SIGMA_FILTER_INVALID', message, place)
      } else if ('rules' in found && filter.envelope === undefined) {
        const message = `"${reference.slice(0, 100)}" is a correlation: a filter narrows the rules that it stands on.`
        const hint = 'With modelwarden: { author, reason } it is an exception, which may name correlations.'
        mistakes.add('SIGMA_FILTER_INVALID', message, place, hint)
      }
    }
  }
}

function applyFilters(rules: readonly RuleDraft[], filters: readonly FilterDraft[]): readonly RuleDraft[] {
  return rules.map((rule) => {
    const concerned = filters.filter((filter) => filter.appliesTo(rule.head, rule.mapping.logsource))
    const added = concerned.flatMap((filter) => filter.conditionFor(rule.mapping) ?? [])
    return added.length === 0 ? rule : { ...rule, condition: { kind: 'and', of: [rule.condition, ...added] } }
  })
}

function exceptionsOf(
  filters: readonly FilterDraft[],
  rules: readonly RuleDraft[],
  correlations: readonly CorrelationDraft[],
): readonly SigmaException[] {
  return filters.flatMap((filter): SigmaException[] => {
    if (filter.envelope === undefined) return []
    const { author, reason, expiresMs, place } = filter.envelope
    const single = rules
      .filter((rule) => filter.appliesTo(rule.head, rule.mapping.logsource))
      .flatMap((rule) => {
        const condition = filter.conditionFor(rule.mapping)
        return condition === undefined ? [] : [{ rule: rule.head.id, condition }]
      })
    const several = correlations
      .filter(({ head }) => filter.rules?.some((name) => name === head.id || name === head.name) === true)
      .map(({ head }) => ({ rule: head.id, condition: filter.condition }))
    const { id, title } = filter.head
    return [{ id, title, author, reason, expiresMs, of: [...single, ...several], place }]
  })
}

function metaOf(head: RuleHead, logsource: LogSource, fields: readonly string[], compiled: unknown): RuleMeta {
  const { taxonomy: _taxonomy, place, ...rest } = head
  const meta = { ...rest, fields, logsource }
  let digest: string | undefined
  return {
    ...meta,
    place,
    // Of thousands of rules few are ever asked, and it takes as long as reading them.
    get digest() {
      return (digest ??= canonicalDigest({ meta, compiled }))
    },
  }
}

function finishRule(draft: RuleDraft, standalone: boolean): SigmaRule {
  const { head, mapping, condition } = draft
  return { kind: 'rule', meta: metaOf(head, mapping.logsource, mapping.shown, condition), condition, standalone }
}

function finishCorrelation({ draft, base }: CorrelationCompiled, standalone: boolean): SigmaCorrelation {
  const { type, groupBy, timespanMs, condition, percentile, expression, written } = draft
  const compiled = {
    ...{ type, base, groupBy, timespanMs, condition },
    ...(percentile === undefined ? {} : { percentile }),
    ...(expression === undefined ? {} : { expression }),
    ...(written === undefined ? {} : { written }),
  }
  return { kind: 'correlation', meta: metaOf(draft.head, {}, draft.head.fields, compiled), ...compiled, standalone }
}

function inFileOrder(mistakes: Mistakes): CompiledSigma['mistakes'] {
  return [...mistakes.list].sort((a, b) => {
    const left = a.place
    const right = b.place
    if (left === undefined || right === undefined) return 0
    if (left.file !== right.file) return left.file < right.file ? -1 : 1
    return left.line - right.line || left.column - right.column
  })
}
