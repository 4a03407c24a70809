/**
 * Processing pipelines at work: which log source, fields and values a public rule has in terms of our events.
 *
 * Pure. Pipelines apply by priority, then path; their items in the order written, each to the rules that its conditions are
 * about. What concerns a rule as a whole happens here; what concerns its detection becomes steps (pipeline-steps.ts).
 */
import type { ParsedYaml, YamlPath } from '../../core/yaml.ts'
import { readSelection, type FieldMap } from './detection.ts'
import { finishDraft, type Draft } from './detection-draft.ts'
import { Mistakes } from './mistakes.ts'
import { appliesToField, appliesToRule, type RuleView } from './pipeline-conditions.ts'
import type { Pipeline } from './pipeline-file.ts'
import type { SimpleTransformation, Transformation } from './pipeline-transformations.ts'
import {
  applySteps,
  isFieldTransformation,
  isItemTransformation,
  renamed,
  type FieldTransformation,
  type Step,
} from './pipeline-steps.ts'
import { readDrafts } from './rule-detection.ts'
import { logSource, type RuleHead } from './rule-meta.ts'
import type { Condition, LogSource } from './types.ts'
import type { Placeholders } from './values.ts'

/** What the pipelines make of one rule. */
export interface Mapping {
  readonly logsource: LogSource
  /** For fields that stand outside of the detection. */
  readonly fields: FieldMap
  /** For the detection. */
  readonly steps: readonly Step[]
  readonly placeholders: Placeholders
  /** To be added to the rule's condition by AND. */
  readonly conditions: readonly Condition[]
  /** The fields that an analyst wants to see, mapped. */
  readonly shown: readonly string[]
  /** Why a pipeline refuses the rule. */
  readonly refusals: readonly string[]
}

/** The rule, or filter, that is mapped. */
export interface MappedRule {
  readonly parsed: ParsedYaml
  readonly key: 'detection' | 'filter'
  readonly head: RuleHead
  readonly logsource: LogSource
}

export function orderPipelines(pipelines: readonly Pipeline[]): readonly Pipeline[] {
  return [...pipelines].sort((a, b) => a.priority - b.priority || (a.file < b.file ? -1 : a.file > b.file ? 1 : 0))
}

/** `pipelines` in the order of `orderPipelines`. */
export function mapRule(pipelines: readonly Pipeline[], rule: MappedRule, mistakes: Mistakes): Mapping {
  const run = new MappingRun(rule, mistakes)
  for (const pipeline of pipelines) {
    run.apply(pipeline, pipeline.transformations, ['transformations'])
  }
  return run.result()
}

/** A condition that a pipeline adds. */
interface Added {
  readonly draft: Draft
  readonly negated: boolean
  readonly stepsBefore: number
}

class MappingRun implements RuleView {
  readonly #rule: MappedRule
  readonly #mistakes: Mistakes
  readonly #steps: Step[] = []
  readonly #placeholders = new PlaceholderTable()
  readonly #added: Added[] = []
  readonly #refusals: string[] = []
  readonly #attributes = new Map<string, unknown>()
  #shown: readonly string[]
  logsource: LogSource
  readonly applied = new Set<string>()
  state: ReadonlyMap<string, unknown> = new Map()

  constructor(rule: MappedRule, mistakes: Mistakes) {
    this.#rule = rule
    this.#mistakes = mistakes
    this.logsource = rule.logsource
    this.#shown = rule.head.fields
  }

  get taxonomy(): string {
    return this.#rule.head.taxonomy
  }

  get tags(): readonly string[] {
    return this.#rule.head.tags
  }

  attribute(name: string): unknown {
    if (this.#attributes.has(name)) return this.#attributes.get(name)
    const { value } = this.#rule.parsed
    return Object.hasOwn(value as object, name) ? (value as Record<string, unknown>)[name] : undefined
  }

  /** Only few pipelines look into detections: read when they do. A placeholder may stand for anything here. */
  drafts(): readonly Draft[] {
    const aside = new Mistakes()
    const drafts = readDrafts(this.#rule.parsed, this.#rule.key, anyPlaceholder, aside)
    return [...(drafts?.values() ?? [])].flatMap((draft) =>
      draft === undefined ? [] : (applySteps(draft, this.#steps, aside) ?? []),
    )
  }

  apply(pipeline: Pipeline, items: readonly Transformation[], path: YamlPath): void {
    for (const [index, item] of items.entries()) {
      if (!appliesToRule(item, this)) continue
      if (item.type === 'nest') this.apply(pipeline, item.items, [...path, index, 'items'])
      else this.#applyOne(pipeline, item, [...path, index])
      if (item.id !== undefined) this.applied.add(item.id)
    }
  }

  #applyOne(pipeline: Pipeline, item: SimpleTransformation, path: YamlPath): void {
    if (isItemTransformation(item)) {
      this.#steps.push({ item, state: this.state })
      if (isFieldTransformation(item)) {
        const map = fieldMap([{ item, state: this.state }])
        this.#shown = this.#shown.flatMap(map).slice(0, namesMax)
      }
      return
    }
    switch (item.type) {
      case 'change_logsource':
        this.logsource = logSource(item.product, item.service, item.category)
        break
      case 'add_logsource':
        this.logsource = { ...this.logsource, ...logSource(item.product, item.service, item.category) }
        break
      case 'value_placeholders':
      case 'wildcard_placeholders':
        this.#placeholders.take(item, pipeline)
        break
      case 'add_condition':
        this.#addCondition(pipeline, item, path)
        break
      case 'add_field':
        this.#shown = [...this.#shown, ...item.field]
        break
      case 'remove_field':
        this.#shown = this.#shown.filter((field) => !item.field.includes(field))
        break
      case 'set_field':
        this.#shown = item.fields
        break
      case 'set_state':
        this.state = new Map([...this.state, [item.key, item.val]])
        break
      case 'set_custom_attribute':
        this.#attributes.set(item.attribute, item.value)
        break
      case 'rule_failure':
        this.#refusals.push(item.message)
    }
  }

  #addCondition(
    pipeline: Pipeline,
    item: Extract<SimpleTransformation, { type: 'add_condition' }>,
    path: YamlPath,
  ): void {
    const conditions = item.template ? fillIn(item.conditions, this.logsource) : item.conditions
    const context = { parsed: pipeline.parsed, mistakes: this.#mistakes, placeholders: this.#placeholders }
    const read = readSelection(context, conditions, [...path, 'conditions'])
    if (read !== undefined) this.#added.push({ draft: read, negated: item.negated, stepsBefore: this.#steps.length })
  }

  /** What was added is changed by the items that follow, not by those before. */
  #conditions(): readonly Condition[] {
    return this.#added.flatMap(({ draft, negated, stepsBefore }): readonly Condition[] => {
      const changed = applySteps(draft, this.#steps.slice(stepsBefore), this.#mistakes)
      const condition = changed === undefined ? undefined : finishDraft(changed, this.#mistakes)
      return condition === undefined ? [] : [negated ? { kind: 'not', of: condition } : condition]
    })
  }

  result(): Mapping {
    return {
      logsource: this.logsource,
      fields: fieldMap(this.#steps.filter((step): step is FieldStep => isFieldTransformation(step.item))),
      steps: this.#steps,
      placeholders: this.#placeholders,
      conditions: this.#conditions(),
      shown: this.#shown,
      refusals: this.#refusals,
    }
  }
}

/** Stands for the values of any placeholder. */
const anyPlaceholder: Placeholders = { get: () => 'anything', has: () => true }

type PlaceholderTransformation = Extract<SimpleTransformation, { type: 'value_placeholders' | 'wildcard_placeholders' }>

/** What placeholders stand for: the first item that handles one decides. */
class PlaceholderTable implements Placeholders {
  readonly #items: { readonly item: PlaceholderTransformation; readonly vars: Pipeline['vars'] }[] = []

  take(item: PlaceholderTransformation, pipeline: Pipeline): void {
    this.#items.push({ item, vars: pipeline.vars })
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  get(name: string): ReturnType<Placeholders['get']> {
    for (const { item, vars } of this.#items) {
      if (item.include?.includes(name) === false || item.exclude?.includes(name) === true) continue
      if (item.type === 'wildcard_placeholders') return 'anything'
      const values = vars.get(name)
      if (values !== undefined) return values
    }
    return undefined
  }
}

/** `$category`, `$product`, `$service` in the values of a condition become the rule's own. */
function fillIn(conditions: Readonly<Record<string, unknown>>, logsource: LogSource): Record<string, unknown> {
  const fill = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(fill)
    if (typeof value !== 'string') return value
    return value.replace(
      /\$(?:\{(category|product|service)\}|(category|product|service)\b)/g,
      (whole, a?: string, b?: string) => {
        const key = (a ?? b) as keyof LogSource
        return logsource[key] ?? whole
      },
    )
  }
  return Object.fromEntries(Object.entries(conditions).map(([field, value]) => [field, fill(value)]))
}

type FieldStep = Step & { readonly item: FieldTransformation }

/** Names that one field may come to have, outside of a detection. */
const namesMax = 1_000

/** A field's names at one point of the pipelines, and which items have touched it. */
interface FieldState {
  readonly name: string
  readonly applied: readonly string[]
}

function fieldMap(steps: readonly FieldStep[]): FieldMap {
  const cache = new Map<string, readonly string[]>()
  return (field) => {
    const known = cache.get(field)
    if (known !== undefined) return known
    let states: readonly FieldState[] = [{ name: field, applied: [] }]
    for (const { item, state } of steps) {
      states = states.flatMap((each): readonly FieldState[] => {
        const to = appliesToField(item, each.name, each.applied, state) ? renamed(item, each.name) : undefined
        if (to === undefined) return [each]
        const applied = item.id === undefined ? each.applied : [...each.applied, item.id]
        return to.map((name) => ({ name, applied }))
      })
      states = states.slice(0, namesMax)
    }
    const mapped = [...new Set(states.map(({ name }) => name))]
    cache.set(field, mapped)
    return mapped
  }
}
