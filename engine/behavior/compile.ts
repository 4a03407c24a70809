/**
 * Reads behavior rules: a Sigma rule's envelope with a `behavior:` block in place of `detection:`.
 *
 * `behavior.select` is a Sigma detection and says which events concern the rule; it is handed to the Sigma engine as a
 * rule of its own, so that one evaluation plan finds the events of all rules. The rest of the block names a detector and
 * its parameters.
 *
 * Promises: pure; never throws; each mistake carries file, line and column.
 */
import { z } from 'zod'
import type { ContentFile } from '../../core/content.ts'
import type { Mistake } from '../../core/errors.ts'
import { canonicalDigest } from '../../core/ids.ts'
import { parseYamlDocuments, schemaMistakes, type ParsedYaml } from '../../core/yaml.ts'
import type { RuleMeta, SigmaRule } from '../sigma/types.ts'
import { holdsBehaviorRule } from './envelope.ts'
import { detectorOf, detectorTypes } from './registry.ts'
import type { BehaviorPlan, BehaviorRule } from './types.ts'

const Block = z.looseObject({ type: z.string(), select: z.looseObject({}) })

/** A behavior rule that has been read but whose selection is not compiled yet. */
export interface BehaviorDraft {
  readonly file: string
  /** The selection as the Sigma engine takes it. Its rule has the behavior rule's own id. */
  readonly select: ContentFile
  /** The rule, once its selection has compiled. */
  finish(compiled: SigmaRule): BehaviorRule
  /** Puts the Sigma engine's mistakes where the writer of this file can find them. */
  replace(mistake: Mistake): Mistake
}

export interface BehaviorDrafts {
  readonly drafts: readonly BehaviorDraft[]
  /** The files that hold no behavior rule. */
  readonly others: readonly ContentFile[]
  readonly mistakes: readonly Mistake[]
}

export function readBehaviorRules(files: readonly ContentFile[]): BehaviorDrafts {
  const drafts: BehaviorDraft[] = []
  const others: ContentFile[] = []
  const mistakes: Mistake[] = []
  for (const file of files) {
    if (!holdsBehaviorRule(file.text)) {
      others.push(file)
      continue
    }
    const [parsed, second] = parseYamlDocuments(file)
    mistakes.push(...parsed.mistakes)
    if (second !== undefined) {
      const message = 'A file with a behavior rule holds that rule alone.'
      mistakes.push({ code: 'BEHAVIOR_DOCUMENTS', message, place: second.place([]) })
    }
    if (parsed.value === undefined) continue
    const draft = readDraft(file, parsed, mistakes)
    if (draft !== undefined) drafts.push(draft)
  }
  return { drafts, others, mistakes }
}

function readDraft(file: ContentFile, parsed: ParsedYaml, mistakes: Mistake[]): BehaviorDraft | undefined {
  const value = parsed.value as Record<string, unknown>
  // `anomaly:` stands beside a rule's own detection and is short for a behavior of that type.
  const blockName = Object.hasOwn(value, 'anomaly') && !Object.hasOwn(value, 'behavior') ? 'anomaly' : 'behavior'
  for (const key of blockName === 'anomaly'
    ? ['correlation', 'filter']
    : ['detection', 'correlation', 'filter', 'anomaly']) {
    if (!Object.hasOwn(value, key)) continue
    const message = `A behavior rule has no '${key}': its 'behavior.select' says which events concern it.`
    mistakes.push({ code: 'BEHAVIOR_INVALID', message, place: parsed.keyPlace([key]) })
    return undefined
  }
  const block = Block.safeParse(blockName === 'anomaly' ? anomalyBlock(value) : value['behavior'])
  if (!block.success) {
    mistakes.push(...schemaMistakes(parsed, block.error, 'BEHAVIOR_INVALID', [blockName]))
    return undefined
  }
  const { select, ...given } = block.data
  const detector = detectorOf(given.type)
  if (detector === undefined) {
    const message = `There is no detector '${given.type.slice(0, 100)}'.`
    const hint = `Known are: ${detectorTypes().join(', ')}.`
    mistakes.push({ code: 'BEHAVIOR_TYPE_UNKNOWN', message, place: parsed.place(['behavior', 'type']), hint })
    return undefined
  }
  const params = (detector.params as z.ZodType).safeParse(given)
  if (!params.success) {
    mistakes.push(...schemaMistakes(parsed, params.error, 'BEHAVIOR_PARAMS_INVALID', [blockName]))
    return undefined
  }
  const { behavior: _, anomaly: __, ...envelope } = value
  return {
    file: file.path,
    // JSON is YAML: the envelope stays as it is, and the selection takes the place that Sigma gives it.
    select: { path: file.path, text: JSON.stringify({ logsource: {}, ...envelope, detection: select }) },
    finish: (compiled) => {
      const plan = detector.create(params.data as never, compiled.meta)
      const meta: RuleMeta = { ...compiled.meta, digest: digestOf(compiled, given.type, params.data, plan) }
      const needs = detector.needs(params.data as never)
      return { kind: 'behavior', meta, type: given.type, needs, plan, selectId: compiled.meta.id }
    },
    replace: (mistake) => ({
      ...mistake,
      place: parsed.place(blockName === 'anomaly' ? ['detection'] : ['behavior', 'select']),
    }),
  }
}

function anomalyBlock(value: Readonly<Record<string, unknown>>): unknown {
  const { anomaly, detection } = value
  if (typeof anomaly !== 'object' || anomaly === null || Array.isArray(anomaly)) return anomaly
  return { ...anomaly, type: 'anomaly', select: detection }
}

function digestOf(compiled: SigmaRule, type: string, params: unknown, plan: BehaviorPlan): string {
  const versions = [plan.local?.stateVersion ?? 0, plan.grouped?.stateVersion ?? 0]
  return canonicalDigest([compiled.meta.digest, type, params, versions])
}
