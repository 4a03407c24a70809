/**
 * Compiles playbooks: YAML files in, plain playbooks or mistakes with file, line and column out.
 *
 * Pure. Promises: what compiles can be run to its end: every step, path and comparison it speaks of exists, jumps lead
 * forward, and each action is one that a connector has, with arguments of its form.
 */
import { type z } from 'zod'
import type { ContentFile } from '../../core/content.ts'
import type { Mistake } from '../../core/errors.ts'
import { canonicalDigest } from '../../core/ids.ts'
import { parseYaml, schemaMistakes, type ParsedYaml, type YamlPath } from '../../core/yaml.ts'
import type { Catalog } from './catalog.ts'
import { compileCondition, type Condition, type ConditionMistake } from './condition.ts'
import { pathMistake } from './paths.ts'
import { playbookLimits, type Approval, type Playbook, type Step, type StepAction } from './playbook.ts'
import {
  PlaybookSource,
  stepSources,
  type AskSource,
  type StepActionSource,
  type StepSource,
} from './playbook-schema.ts'
import { templatesIn } from './template.ts'

export interface CompiledPlaybooks {
  readonly playbooks: readonly Playbook[]
  readonly mistakes: readonly Mistake[]
}

const code = 'PLAYBOOK_INVALID'

/** Whether a file of the playbooks' folder is a playbook, rather than its cases. */
export function isPlaybookFile({ path }: ContentFile): boolean {
  return /\.ya?ml$/.test(path) && !/\.cases\.ya?ml$/.test(path)
}

/** `catalog`: the actions that there are; without it, names and arguments of actions are not checked. */
export function compilePlaybooks(files: readonly ContentFile[], catalog?: Catalog): CompiledPlaybooks {
  const playbooks = new Map<string, Playbook>()
  const mistakes: Mistake[] = []
  const sources = files.filter(isPlaybookFile)
  if (sources.length > playbookLimits.playbooksMax) {
    return {
      playbooks: [],
      mistakes: [
        { code, message: `There are ${sources.length} playbooks; ${playbookLimits.playbooksMax} are allowed.` },
      ],
    }
  }
  for (const file of sources) {
    const parsed = parseYaml(file)
    const compiler = new Compiler(parsed, catalog)
    const playbook = parsed.mistakes.length > 0 ? undefined : compiler.compile()
    mistakes.push(...parsed.mistakes, ...compiler.mistakes)
    if (playbook === undefined) continue
    if (playbooks.has(playbook.id))
      mistakes.push({ code, message: `Another playbook has the id "${playbook.id}" too.`, place: parsed.place(['id']) })
    else playbooks.set(playbook.id, playbook)
  }
  return { playbooks: [...playbooks.values()], mistakes }
}

class Compiler {
  readonly mistakes: Mistake[] = []
  readonly #parsed: ParsedYaml
  readonly #catalog: Catalog | undefined
  /** Ids of steps and actions seen so far: what a template may speak of. */
  readonly #known = new Set<string>()
  #hasSubject = false
  #destructive = false

  constructor(parsed: ParsedYaml, catalog: Catalog | undefined) {
    this.#parsed = parsed
    this.#catalog = catalog
  }

  compile(): Playbook | undefined {
    const source = this.#check(PlaybookSource, this.#parsed.value, [])
    if (source === undefined) return undefined
    const { trigger } = source
    this.#hasSubject = trigger.for_each !== undefined
    const sources = source.steps.map((step, index) => this.#stepSource(step, ['steps', index]))
    if (sources.some((step) => step === undefined)) return undefined
    const known = sources as readonly StepSource[]
    const steps = known.map((step, index) =>
      this.#step(
        step,
        ['steps', index],
        known.slice(index + 1).map(({ id }) => id),
      ),
    )
    if (this.#destructive !== source.destructive) {
      this.#mistake(
        this.#destructive
          ? 'An action of this playbook is destructive, so it must say "destructive: true".'
          : 'No action of this playbook is destructive.',
        ['destructive'],
      )
    }
    const body = {
      id: source.id,
      title: source.title,
      destructive: source.destructive,
      protected: source.protected,
      trigger: {
        severity: trigger.severity,
        risk: trigger.risk,
        techniques: trigger.techniques,
        rules: trigger.rules,
        entities: trigger.entities,
        flags: trigger.flags,
        settled: trigger.settled,
        unanswered: trigger.unanswered,
        ...(trigger.for_each === undefined ? {} : { forEach: trigger.for_each }),
      },
      steps,
    }
    return this.mistakes.length > 0 ? undefined : { ...body, version: canonicalDigest(body).slice(0, 32) }
  }

  #stepSource(value: Readonly<Record<string, unknown>>, at: YamlPath): StepSource | undefined {
    const kinds = (Object.keys(stepSources) as (keyof typeof stepSources)[]).filter((kind) =>
      Object.hasOwn(value, kind),
    )
    const [kind] = kinds
    if (kind === undefined || kinds.length > 1) {
      this.#mistake(`A step has exactly one of: ${Object.keys(stepSources).join(', ')}.`, at)
      return undefined
    }
    return this.#check<StepSource>(stepSources[kind], value, at)
  }

  #step(source: StepSource, at: YamlPath, later: readonly string[]): Step {
    const when = source.when === undefined ? undefined : this.#condition(source.when, [...at, 'when'])
    const actions =
      'parallel' in source
        ? source.parallel.map((action, index) => this.#action(action, [...at, 'parallel', index]))
        : 'action' in source
          ? [this.#action(source, at)]
          : []
    // A single action is known by its step's id, which #action has registered.
    if (!('action' in source)) this.#register(source.id, at)
    const onFailure = source.on_failure
    if (onFailure !== 'stop' && onFailure !== 'continue' && !later.includes(onFailure)) {
      this.#mistake(`on_failure is stop, continue, or the id of a later step; there is no later step "${onFailure}".`, [
        ...at,
        'on_failure',
      ])
    }
    return {
      id: source.id,
      ...(when === undefined ? {} : { when }),
      ...('wait' in source ? { waitMs: source.wait } : {}),
      actions,
      onFailure,
    }
  }

  #action(source: StepActionSource | AskSource, at: YamlPath): StepAction {
    const dot = source.action.indexOf('.')
    const connector = source.action.slice(0, dot)
    const action = source.action.slice(dot + 1)
    this.#checkTemplates(source.with, [...at, 'with'])
    this.#checkAction(connector, action, source.with, at)
    this.#register(source.id, at)
    const approval =
      'approval' in source && source.approval !== undefined
        ? this.#approval(source.approval, [...at, 'approval'])
        : undefined
    return {
      id: source.id,
      connector,
      action,
      with: source.with,
      attemptsMax: source.attempts,
      ...(source.verify === undefined ? {} : { verify: source.verify }),
      ...(approval === undefined ? {} : { approval }),
    }
  }

  #approval(source: NonNullable<StepActionSource['approval']>, at: YamlPath): Approval {
    const ask = source.ask.map((each, index) => this.#action(each, [...at, 'ask', index]))
    for (const [index, each] of ask.entries()) {
      if (this.#catalog?.find(each.connector, each.action)?.destructive === true) {
        this.#mistake('What asks for an approval must not be destructive itself.', [...at, 'ask', index, 'action'])
      }
    }
    return { role: source.role, expiresMs: source.expires, ask }
  }

  #checkAction(connector: string, action: string, args: Readonly<Record<string, unknown>>, at: YamlPath): void {
    if (this.#catalog === undefined) return
    const found = this.#catalog.find(connector, action)
    if (found === undefined) {
      const known = this.#catalog.names()
      this.#mistake(`There is no action "${connector}.${action}"; known are ${known.join(', ')}.`, [...at, 'action'])
      return
    }
    if (found.destructive) this.#destructive = true
    // Values that templates fill in are only known later; names that are missing or unknown are known now.
    const wrong = found.argumentMistakes(args)
    for (const { message, path } of wrong) this.#mistake(message, [...at, 'with', ...path])
  }

  #checkTemplates(args: unknown, at: YamlPath): void {
    for (const use of templatesIn(args)) {
      const where = [...at, ...use.at]
      if (use.path === 'notice') {
        if (!use.whole) this.#mistake('{{notice}} stands alone: it is not text.', where)
        continue
      }
      const wrong = pathMistake(use.path, this.#known, this.#hasSubject)
      if (wrong !== undefined) this.#mistake(`${wrong}.`, where)
    }
  }

  #condition(source: unknown, at: YamlPath): Condition {
    const mistakes: ConditionMistake[] = []
    const condition = compileCondition(source, (path) => pathMistake(path, this.#known, this.#hasSubject), at, mistakes)
    for (const { message, at: where } of mistakes) this.#mistake(`${message}.`, where)
    return condition
  }

  #register(id: string, at: YamlPath): void {
    if (id === 'stop' || id === 'continue')
      this.#mistake(`"${id}" has a meaning of its own and can't be an id.`, [...at, 'id'])
    if (this.#known.has(id)) this.#mistake(`The id "${id}" is there twice.`, [...at, 'id'])
    this.#known.add(id)
  }

  #check<T>(schema: z.ZodType<T>, value: unknown, at: YamlPath): T | undefined {
    const result = schema.safeParse(value)
    if (result.success) return result.data
    this.mistakes.push(...schemaMistakes(this.#parsed, result.error, code, at))
    return undefined
  }

  #mistake(message: string, at: YamlPath): void {
    this.mistakes.push({ code, message, place: this.#parsed.place(at) })
  }
}
