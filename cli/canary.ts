/**
 * What `modelwarden canary` does: makes canaries and keeps them sealed, registers them with the detectors, and examines a
 * suspect.
 *
 * What is published of a plan before an examination is its digest: with it, nobody can say that the questions were made to fit.
 */
import { randomInt } from 'node:crypto'
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SingleBar } from 'cli-progress'
import { counted } from '../core/counted.ts'
import { openSuspect } from '../connectors/suspect/suspect.ts'
import { describeError } from '../core/errors.ts'
import { canonicalDigest, sha256Hex } from '../core/ids.ts'
import type { InventoryFile } from '../core/inventory.ts'
import { digestOf, outcomeOf } from '../engine/behavior/derivation/answers.ts'
import { planCanaries, promptOf, shuffled, type PlannedCanary } from '../engine/canary/plan.ts'
import { reportOf } from '../engine/canary/report.ts'
import { verdictOf, type Asked } from '../engine/canary/verdict.ts'
import type { LoadedConfig } from '../runtime/config-load.ts'
import { keyOf, seal, secretOf, unseal, type Plan } from './canary-seal.ts'
import { CliError, exitCodes } from './exit.ts'
import { note, print, printJson } from './output.ts'
import { dataFolderOf } from './settings.ts'

/** Tells a refusal of the very question from a passing fault; so often is a question tried. */
const attemptsMax = 3

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
    })
    return
  }
  print(`${counted(options.count, 'canary', 'canaries')} and as many controls, sealed: ${out}`)
  print(`Commitment (publish it, or have it time-stamped, before any examination): ${sealed.commitment}`)
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

export interface VerifyOptions {
  readonly key: string
  readonly url: string
  readonly model: string
  readonly apiKey?: string
  readonly template?: string
  readonly answerPath: string
  readonly perMinute: number
  readonly timeout: number
  readonly journal?: string
  readonly report?: string
  readonly allowHttp?: true
  readonly allowAddress: readonly string[]
  readonly json?: true
}

export async function verify(path: string, options: VerifyOptions): Promise<void> {
  const { plan: opened, commitment } = await unseal(path, keyOf(options.key))
  const journal = options.journal ?? `canary-${Date.now()}.jsonl`
  const suspect = openSuspect({
    url: options.url,
    model: options.model,
    apiKey: options.apiKey === undefined ? undefined : secretOf(options.apiKey, '--api-key'),
    template: options.template === undefined ? undefined : await readFile(options.template, 'utf8'),
    answerPath: options.answerPath,
    timeoutMs: options.timeout * 1_000,
    allowHttp: options.allowHttp ?? false,
    allowAddresses: options.allowAddress,
  })
  const startedAt = new Date().toISOString()
  const asked: Asked[] = []
  let [failed, journaled] = [0, '']
  const bar = progressBar(opened.canaries.length)
  try {
    for (const canary of shuffled(opened.canaries, randomInt)) {
      const before = performance.now()
      const prompt = promptOf(canary, randomInt)
      const { text, error } = await ask((text) => suspect.ask(text), prompt, 60_000 / options.perMinute)
      const hit = text !== undefined && outcomeOf(text, canary.answer, canary.distractors) === 'hit'
      if (text === undefined) failed++
      asked.push({ kind: canary.kind, hit, chance: 1 / (canary.distractors.length + 1) })
      const line = `${JSON.stringify({ at: new Date().toISOString(), id: canary.id, kind: canary.kind, prompt, answer: text, error, hit })}\n`
      await appendFile(journal, line, { mode: 0o600 })
      journaled += line
      bar?.increment()
      if (asked.length < opened.canaries.length) {
        await sleep(Math.max(0, 60_000 / options.perMinute - (performance.now() - before)))
      }
    }
  } finally {
    bar?.stop()
    await suspect.close()
  }
  const answered = asked.length - failed
  if (answered === 0) {
    throw new CliError(exitCodes.failure, 'SUSPECT_SILENT', 'The suspect has answered no question.', {
      hint: `See the errors in ${journal}; check --url, --model, --api-key and --answer-path.`,
    })
  }
  const verdict = verdictOf(asked)
  const journalSha256 = sha256Hex(journaled)
  const text = reportOf(
    {
      suspect: options.model,
      endpoint: new URL(options.url).origin,
      startedAt,
      endedAt: new Date().toISOString(),
      options: opened.options,
      commitment,
      plannedAt: opened.createdAt,
      journalSha256,
      failed,
    },
    verdict,
  )
  if (options.report !== undefined) await writeFile(options.report, text, { mode: 0o600 })
  if (options.json) printJson({ ...verdict, failed, commitment, journal, journalSha256, report: options.report })
  else print(text)
}

async function ask(
  send: (prompt: string) => Promise<string>,
  prompt: string,
  waitMs: number,
): Promise<{ text?: string; error?: string }> {
  for (let attempt = 1; ; attempt++) {
    try {
      return { text: (await send(prompt)).slice(0, 20_000) }
    } catch (error) {
      const retryable = error instanceof Error && 'retryable' in error && error.retryable === true
      if (!retryable || attempt === attemptsMax) return { error: describeError(error) }
      await sleep(waitMs)
    }
  }
}

/** What the model is taught: one conversation a line, in the form that fine-tuning services take. */
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

function progressBar(total: number): SingleBar | undefined {
  if (!process.stderr.isTTY) return undefined
  const bar = new SingleBar({ stream: process.stderr, format: '{bar} {value}/{total} questions', hideCursor: true })
  bar.start(total, 0)
  return bar
}
