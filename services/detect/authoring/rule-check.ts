/**
 * Looks a rules set over: what `modelwarden rules check` reports.
 *
 * Pure. Errors are what keeps a rule from being put in force; warnings are rules that run and find nothing, or less
 * than they seem to: conditions that no event satisfies, fields that no source fills, correlations that nothing
 * reaches, techniques that there are not, keys that are misspelled. Rules that rest are looked over like others: once a
 * list is filled they run. Promises: never throws for what a file says; every finding has file, line and column;
 * findings come in the order of files and lines.
 */
import type { ContentFile } from '../../../core/content.ts'
import type { FilePlace, Mistake } from '../../../core/errors.ts'
import { parseYamlDocuments, type ParsedYaml } from '../../../core/yaml.ts'
import { neverHolds } from '../../../engine/sigma/never.ts'
import type { RuleMeta, SigmaRule } from '../../../engine/sigma/types.ts'
import { filledFields } from '../../../engine/sources/filled-fields.ts'
import { isSingleValued } from '../../../engine/sources/targets.ts'
import { checkSpread, CorrelationCheck } from './rule-check-correlations.ts'
import { checkFields, FieldSupply } from './rule-check-fields.ts'
import { checkKeys } from './rule-check-keys.ts'
import { checkTags } from './rule-check-tags.ts'
import type { RuleFinding, Severity, WrittenRule } from './rule-finding.ts'
import { compileRules, type CompiledRules } from '../rule-set/rule-set.ts'

export interface CheckedRules {
  readonly findings: readonly RuleFinding[]
  /** Rules that rest among them. */
  readonly compiled: CompiledRules
}

/**
 * `sources`: the files of the sources set, which say what fields there are; none: fields are not checked. `nowMs`: for
 * exceptions that have ended.
 */
export function checkRules(
  files: readonly ContentFile[],
  sources: readonly ContentFile[],
  nowMs = -Infinity,
): CheckedRules {
  const compiled = compileRules(files, 'taken in')
  const findings: RuleFinding[] = [
    ...compiled.mistakes.map((mistake) => ofMistake('error', mistake)),
    ...compiled.notices.map((mistake) => ofMistake('note', mistake)),
  ]
  const written = new Written(files)
  const supply = new FieldSupply(filledFields(sources))
  const { sigma, correlations, behavior } = compiled.set
  const selections = new Set(behavior.map(({ rule }) => rule.selectId))
  const never = new Set<string>()
  for (const rule of sigma) {
    const of = written.rule(rule.meta)
    if (neverHolds(rule.condition, isSingleValued)) {
      never.add(rule.meta.id)
      findings.push(neverFound(rule, of, selections.has(rule.meta.id)))
    }
    if (supply.known) findings.push(...checkFields(rule, of, supply))
  }
  const check = new CorrelationCheck(sigma, never, supply)
  for (const { rule } of correlations) findings.push(...check.check(rule, written.rule(rule.meta)))
  findings.push(...checkSpread(correlations, ({ meta }) => written.rule(meta)))
  for (const meta of [...sigma, ...correlations.map(({ rule }) => rule)].map((rule) => rule.meta)) {
    findings.push(...checkTags(written.rule(meta)))
  }
  for (const file of files) findings.push(...written.documents(file.path).flatMap(checkKeys))
  for (const { title, expiresMs, place } of compiled.set.exceptions) {
    if (expiresMs === null || expiresMs > nowMs) continue
    const message = `The exception "${title.slice(0, 100)}" has ended: it hides nothing that happens now.`
    findings.push({
      severity: 'warning',
      code: 'EXCEPTION_ENDED',
      message,
      place,
      hint: 'Take it out, or give it a new end.',
    })
  }
  return { findings: inFileOrder(findings), compiled }
}

function ofMistake(severity: Severity, { code, message, place, hint }: Mistake): RuleFinding {
  const at = place ?? { file: '', line: 1, column: 1 }
  return { severity, code, message, place: at, ...(hint === undefined ? {} : { hint }) }
}

function neverFound(rule: SigmaRule, written: WrittenRule, isSelection: boolean): RuleFinding {
  return {
    severity: 'warning',
    code: 'RULE_NEVER_MATCHES',
    message: 'No event can satisfy this condition.',
    place: written.place(isSelection ? ['behavior', 'select', 'condition'] : ['detection', 'condition']),
    hint: 'What it asks for and what it leaves out contradict each other, or two values are asked of one field.',
    rule: rule.meta.id,
  }
}

/** Finds the documents of rules again, file by file, when something is to be said about them. */
class Written {
  readonly #files: ReadonlyMap<string, ContentFile>
  readonly #parsed = new Map<string, readonly ParsedYaml[]>()

  constructor(files: readonly ContentFile[]) {
    this.#files = new Map(files.map((file) => [file.path, file]))
  }

  rule(meta: RuleMeta): WrittenRule {
    let parsed: ParsedYaml | undefined
    const document = (): ParsedYaml | undefined => (parsed ??= this.#document(meta.place))
    return {
      meta,
      place: (path) => document()?.place(path) ?? meta.place,
      get parsed() {
        return document()
      },
    }
  }

  documents(path: string): readonly ParsedYaml[] {
    let documents = this.#parsed.get(path)
    if (documents === undefined) {
      const file = this.#files.get(path)
      documents = file === undefined || !isRules(path) ? [] : parseYamlDocuments(file)
      this.#parsed.set(path, documents)
    }
    return documents
  }

  #document(place: FilePlace): ParsedYaml | undefined {
    const documents = this.documents(place.file)
    // Behavior rules are compiled from a copy of their one document.
    return documents.length === 1 ? documents[0] : documents.find((each) => each.place([]).line === place.line)
  }
}

function isRules(path: string): boolean {
  return /\.ya?ml$/.test(path) && !path.endsWith('.cases.yml')
}

function inFileOrder(findings: readonly RuleFinding[]): readonly RuleFinding[] {
  return findings.toSorted(({ place: a }, { place: b }) => {
    if (a.file !== b.file) return a.file < b.file ? -1 : 1
    return a.line - b.line || a.column - b.column
  })
}
