/**
 * `modelwarden canary verify` and `report`: asks a suspect the questions of a plan, journals what comes, and counts the journal.
 *
 * What is reported is counted from the plan and the journal alone, so that a report can be made again by anybody who has both.
 */
import { randomInt } from 'node:crypto'
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { SingleBar } from 'cli-progress'
import { openSuspect, type Suspect } from '../connectors/suspect/suspect.ts'
import { describeError } from '../core/errors.ts'
import { sha256Hex } from '../core/ids.ts'
import { promptOf, shuffled } from '../engine/canary/plan.ts'
import { readJournal, recount, type AskedLine, type Ended, type Setting } from '../engine/canary/recount.ts'
import { reportOf } from '../engine/canary/report.ts'
import { verdictOf } from '../engine/canary/verdict.ts'
import { keyOf, secretOf, unseal, type Plan } from './canary-seal.ts'
import { CliError, exitCodes } from './exit.ts'
import { version } from './home.ts'
import { print, printJson } from './output.ts'

/** Tells a refusal of the very question from a passing fault; so often is a question tried. */
const attemptsMax = 3
/** A suspect that answers nothing is shown no more of the questions than these. */
const silentAtFirstMax = 5
const silentInARowMax = 10
/** Of an answer its end is kept: there it stands after all thinking aloud. */
const answerCharsMax = 20_000

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
  const sealed = await unseal(path, keyOf(options.key))
  const journal = options.journal ?? `canary-${Date.now()}.jsonl`
  await mustBeNew(options.report)
  const template = options.template === undefined ? undefined : await textAt(options.template)
  const suspect = openSuspect({
    url: options.url,
    model: options.model,
    apiKey: options.apiKey === undefined ? undefined : secretOf(options.apiKey, '--api-key'),
    template,
    answerPath: options.answerPath,
    timeoutMs: options.timeout * 1_000,
    allowHttp: options.allowHttp ?? false,
    allowAddresses: options.allowAddress,
  })
  const { origin, pathname } = new URL(options.url)
  const setting: Setting = {
    examination: 1,
    modelwarden: version,
    commitment: sealed.commitment,
    endpoint: `${origin}${pathname}`,
    model: options.model,
    form: template === undefined ? 'chat of OpenAI, temperature 0' : `template, SHA-256 ${sha256Hex(template)}`,
    answerPath: options.answerPath,
    perMinute: options.perMinute,
    timeoutSeconds: options.timeout,
    startedAt: new Date().toISOString(),
  }
  await writeNewLine(journal, setting)
  await examine(sealed.plan, suspect, options.perMinute, async (line) => {
    await appendFile(journal, `${JSON.stringify(line)}\n`)
  }).finally(() => suspect.close())
  await tell(sealed, journal, options)
}

export interface ReportOptions {
  readonly key: string
  readonly report?: string
  readonly json?: true
}

export async function reportAgain(path: string, journal: string, options: ReportOptions): Promise<void> {
  await mustBeNew(options.report)
  await tell(await unseal(path, keyOf(options.key)), journal, options)
}

async function examine(
  { canaries }: Plan,
  suspect: Suspect,
  perMinute: number,
  write: (line: AskedLine | Ended) => Promise<void>,
): Promise<void> {
  const bar = progressBar(canaries.length)
  let [answered, silent] = [0, 0]
  try {
    for (const [n, canary] of shuffled(canaries, randomInt).entries()) {
      const before = performance.now()
      const prompt = promptOf(canary, randomInt)
      const given = await ask(suspect, prompt, 60_000 / perMinute)
      const { id, kind } = canary
      await write({ at: new Date().toISOString(), id, kind, prompt, ...given })
      bar?.increment()
      if (given.answer === undefined) silent++
      else [answered, silent] = [answered + 1, 0]
      if (silent >= (answered === 0 ? Math.min(silentAtFirstMax, canaries.length) : silentInARowMax)) break
      if (n + 1 < canaries.length) await sleep(Math.max(0, 60_000 / perMinute - (performance.now() - before)))
    }
    await write({ endedAt: new Date().toISOString() })
  } finally {
    bar?.stop()
  }
}

async function ask(
  suspect: Suspect,
  prompt: string,
  waitMs: number,
): Promise<{ answer?: string; error?: string; attempts: number }> {
  for (let attempts = 1; ; attempts++) {
    try {
      return { answer: (await suspect.ask(prompt)).slice(-answerCharsMax), attempts }
    } catch (error) {
      const retryable = error instanceof Error && 'retryable' in error && error.retryable === true
      if (!retryable || attempts === attemptsMax) return { error: describeError(error), attempts }
      await sleep(waitMs)
    }
  }
}

/** Counts a journal, prints and writes the report. */
async function tell(
  { plan, commitment }: { plan: Plan; commitment: string },
  path: string,
  options: ReportOptions,
): Promise<void> {
  const text = await textAt(path)
  const journal = readJournal(text)
  if (typeof journal === 'string') throw invalid(path, journal)
  const { setting, asked, endedAt } = journal
  if (setting.commitment !== commitment) throw invalid(path, 'it is of another plan')
  const counted = recount(plan.canaries, journal)
  if (typeof counted === 'string') throw invalid(path, counted)
  const failed = counted.filter(({ answered }) => !answered).length
  if (failed === counted.length) {
    const error = asked.at(-1)?.error
    throw new CliError(
      exitCodes.failure,
      'SUSPECT_SILENT',
      `The suspect has answered none of ${asked.length} questions${error === undefined ? '' : `; the last time: ${error}`}`,
      { hint: `See ${path}; check --url, --model, --api-key and --answer-path. No other question was shown to it.` },
    )
  }
  const verdict = verdictOf(counted)
  const journalSha256 = sha256Hex(text)
  const report = reportOf(
    {
      suspect: setting.model,
      endpoint: setting.endpoint,
      startedAt: setting.startedAt,
      endedAt,
      options: plan.options,
      commitment,
      plannedAt: plan.createdAt,
      journalSha256,
      askedBy: setting.modelwarden,
      countedBy: version,
      form: setting.form,
      shown: asked.length,
      perMinute: setting.perMinute,
      timeoutSeconds: setting.timeoutSeconds,
    },
    verdict,
  )
  if (options.report !== undefined) {
    await writeFile(options.report, report, { mode: 0o600, flag: 'wx' }).catch((cause: unknown) => {
      throw new CliError(
        exitCodes.failure,
        'FILE_UNWRITABLE',
        `${options.report!} can't be written: ${describeError(cause)}.`,
        {
          hint: `The journal ${path} is whole: count it with modelwarden canary report.`,
        },
      )
    })
  }
  if (options.json) {
    printJson({ ...verdict, failed, commitment, journal: path, journalSha256, report: options.report })
  } else print(report)
}

function invalid(path: string, why: string): CliError {
  return new CliError(
    exitCodes.usage,
    'JOURNAL_INVALID',
    `${path} is not the journal of an examination with this plan: ${why}.`,
  )
}

async function textAt(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CliError(exitCodes.usage, 'FILE_UNREADABLE', `${path} can't be read: ${describeError(cause)}.`)
  })
}

/** Before anything is asked: an earlier report is evidence. */
async function mustBeNew(path: string | undefined): Promise<void> {
  if (path === undefined || (await stat(path).catch(() => undefined)) === undefined) return
  throw new CliError(exitCodes.usage, 'FILE_UNWRITABLE', `${path} is there already.`, {
    hint: 'An earlier report or journal is never overwritten.',
  })
}

async function writeNewLine(path: string, value: unknown): Promise<void> {
  await mustBeNew(path)
  await writeFile(path, `${JSON.stringify(value)}\n`, { mode: 0o600, flag: 'wx' }).catch((cause: unknown) => {
    throw new CliError(exitCodes.usage, 'FILE_UNWRITABLE', `${path} can't be written: ${describeError(cause)}.`)
  })
}

function progressBar(total: number): SingleBar | undefined {
  if (!process.stderr.isTTY) return undefined
  const bar = new SingleBar({ stream: process.stderr, format: '{bar} {value}/{total} questions', hideCursor: true })
  bar.start(total, 0)
  return bar
}
