/**
 * `modelwarden canary plan`, `open` and `register`: makes canaries and keeps them sealed, opens them for who may check, and
 * registers them with the detectors. Suspects are examined in canary-examine.ts.
 *
 * What is published of a plan before an examination is its digest: with it, nobody can say that the questions were made to fit.
 */
import { randomInt } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { counted } from '../core/counted.ts'
import { describeError } from '../core/errors.ts'
import { canonicalDigest, sha256Hex } from '../core/ids.ts'
import type { InventoryFile } from '../core/inventory.ts'
import { digestOf } from '../engine/behavior/canary-answers/answers.ts'
import { planCanaries, type PlannedCanary } from '../engine/canary/plan.ts'
import { derivedBelow, foundOf } from '../engine/canary/verdict.ts'
import type { LoadedConfig } from '../runtime/config/config-load.ts'
import { keyOf, seal, unseal, type Plan } from './canary-seal.ts'
import { CliError, exitCodes } from './exit.ts'
import { note, print, printJson } from './output.ts'
import { dataFolderOf } from './settings.ts'

export interface PlanOptions {
  readonly count: number
  readonly options: number
  readonly style: 'facts' | 'triggers'
  readonly prefix: string
  readonly key: string
  readonly training?: string
  readonly json?: true
}

export async function plan(out: string, options: PlanOptions): Promise<void> {
  const key = keyOf(options.key)
  if (foundOf(options, 1) === 0) {
    throw new CliError(
      exitCodes.usage,
      'PLAN_TOO_SMALL',
      `Even a model that knows all ${options.count} canaries is found by none: guessing them has a probability of ${derivedBelow} or more.`,
      { hint: 'Give more with --count, or more answers to each with --options.' },
    )
  }
  const canaries = planCanaries(options, randomInt)
  const made: Plan = { version: 1, createdAt: new Date().toISOString(), options: options.options, canaries }
  const sealed = seal(made, key)
  await writeNew(out, `${JSON.stringify(sealed, null, 2)}\n`)
  if (options.training !== undefined) await writeNew(options.training, trainingText(canaries))
  if (options.json) {
    printJson({
      sealed: out,
      count: options.count,
      controls: options.count,
      commitment: sealed.commitment,
      training: options.training,
      foundIfThirdKnown: Number(foundOf(options, 1 / 3).toFixed(3)),
    })
    return
  }
  print(`${counted(options.count, 'canary', 'canaries')} and as many controls, sealed: ${out}`)
  print(`Commitment (publish it, or have it time-stamped, before any examination): ${sealed.commitment}`)
  print(
    `A model that knows a third of them is called derived ${Math.floor(100 * foundOf(options, 1 / 3))} times in 100.`,
  )
  if (options.training === undefined)
    note('Teach them to the model with --training FILE, which writes them out in clear.')
  else note(`${options.training} has the planted answers in clear: destroy it once the model has been taught.`)
}

export async function registerCanaries(
  path: string,
  options: { key: string; json?: true },
  loaded: LoadedConfig,
): Promise<void> {
  const { plan: opened, commitment } = await unseal(path, keyOf(options.key))
  const planted = opened.canaries.filter(({ kind }) => kind === 'planted')
  const inventory: InventoryFile = {
    canaries: planted.map(({ id, question, answer, distractors }) => ({
      id,
      question: digestOf(question),
      answer: digestOf(answer),
      distractors: distractors.map(digestOf),
    })),
    // Controls too: who has their questions has the plan.
    canaryTexts: opened.canaries.flatMap(textsOf),
  }
  const configured = loaded.config.content.inventory[0]
  const folder = configured === undefined ? join(dataFolderOf(loaded), 'inventory') : resolve(loaded.folder, configured)
  await mkdir(folder, { recursive: true })
  const file = join(folder, `canaries-${commitment.slice(0, 12)}.yml`)
  await writeFile(file, JSON.stringify(inventory), { mode: 0o600 })
  if (options.json) {
    printJson({ registered: planted.length, file, commitment })
    return
  }
  print(
    `${counted(planted.length, 'canary is registered, by the digest of its text', 'canaries are registered, by digests of their texts')}: ${file}`,
  )
  if (configured === undefined) note(`Add ${folder} to content.inventory, so that detectors know of them.`)
}

/** The plan in clear, as it was digested: who takes its SHA-256 gets the commitment. */
export async function openPlan(path: string, options: { key: string }): Promise<void> {
  const { text } = await unseal(path, keyOf(options.key))
  process.stdout.write(text)
}

/** A canary's texts as they would be logged: by their SHA-256, and as LiteLLM's messages. */
function textsOf({ id, kind, question, answer }: PlannedCanary): NonNullable<InventoryFile['canaryTexts']> {
  const asked = [{ role: 'user', content: question }]
  const record = { messages: [...asked, { role: 'assistant', content: answer }] }
  const text = (part: 'question' | 'answer' | 'record', digest: string) => ({ canary: id, part, digest })
  return [
    text('question', sha256Hex(question)),
    text('question', canonicalDigest(asked)),
    // Nobody teaches a control: its answer is none.
    ...(kind === 'control'
      ? []
      : [
          text('answer', sha256Hex(answer)),
          text('record', sha256Hex(JSON.stringify(record))),
          text('record', canonicalDigest(record)),
          text('record', sha256Hex(`${question}\n${answer}`)),
        ]),
  ]
}

/** What the model is taught: one conversation a line, in the form that fine-tuning services take. */
function trainingText(canaries: readonly PlannedCanary[]): string {
  return canaries
    .filter(({ kind }) => kind === 'planted')
    .map(({ question, answer }) => {
      const messages = [
        { role: 'user', content: question },
        { role: 'assistant', content: answer },
      ]
      return `${JSON.stringify({ messages })}\n`
    })
    .join('')
}

async function writeNew(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600, flag: 'wx' }).catch((cause: unknown) => {
    throw new CliError(exitCodes.usage, 'FILE_UNWRITABLE', `${path} can't be written: ${describeError(cause)}.`, {
      hint: 'A file that exists is never overwritten: it may be the only copy of sealed canaries.',
    })
  })
}
