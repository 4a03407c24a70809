/**
 * Schemathesis (https://schemathesis.readthedocs.io): asks an API everything that its OpenAPI document allows, and much that
 * it does not. Installed once with pip into `.cache/schemathesis`; where there is no Python 3 with pip and venv, or no
 * registry, its tests are skipped and counted.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const version = '4.32.5'
const folder = join(import.meta.dirname, '../../.cache/schemathesis')
const program = join(folder, 'bin/schemathesis')

/** Installs it where it is not; what is missing where that can't be. */
export async function missingSchemathesis(): Promise<string | undefined> {
  const done = join(folder, `installed-${version}`)
  if (existsSync(done)) return undefined
  try {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    await run('python3', ['-m', 'venv', folder], { timeout: 60_000 })
    await run(join(folder, 'bin/pip'), ['install', '--quiet', `schemathesis==${version}`], { timeout: 240_000 })
    writeFileSync(done, '')
    return undefined
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    const [why = ''] = String((error as { stderr?: string }).stderr ?? error)
      .trim()
      .split('\n')
      .slice(-1)
    return `Schemathesis: it could not be installed with python3 and pip (${why.slice(0, 120)})`
  }
}

export interface Findings {
  readonly ok: boolean
  readonly generated: number
  readonly output: string
}

/** The same code answers for every list: three stand for all, unless SCHEMATHESIS=all asks for each. */
const ofOtherLists = '^/v1/(facets|histogram)/(?!(events|incidents|usage)$)'

/** Answers that say that a request was not as described. */
const refusals = [400, 401, 403, 404, 405, 409, 413, 414, 415, 429, 431]

export async function runSchemathesis(
  url: string,
  token: string,
  folderOfRun: string,
  examples: number,
): Promise<Findings> {
  const settings = join(folderOfRun, 'schemathesis.toml')
  writeFileSync(
    settings,
    `[checks]\nnegative_data_rejection.expected-statuses = ${JSON.stringify(refusals.map(String))}\n`,
  )
  const left = process.env['SCHEMATHESIS'] === 'all' ? [] : ['--exclude-path-regex', ofOtherLists]
  // One worker: what Hypothesis does with Python's parser is not safe beside itself (“AST constructor recursion depth mismatch”).
  const parameters = [
    '--config-file', settings, 'run', `${url}/openapi.json`, ...left, '--header', `Authorization: Bearer ${token}`,
    // What a query language takes, and which cursors were given, no schema can say: valid text may be refused.
    '--checks', 'all', '--exclude-checks', 'positive_data_acceptance',
    '--max-examples', String(examples), '--phases', 'examples,coverage,fuzzing',
    '--seed', '7', '--no-color', '--no-shrink', '--continue-on-failure', '--suppress-health-check', 'all',
    '--generation-database', 'none', '--warnings', 'off',
  ] // prettier-ignore
  const answer = await run(program, parameters, { cwd: folderOfRun, maxBuffer: 64 * 1_048_576, timeout: 570_000 }).then(
    ({ stdout }) => ({ ok: true, output: stdout }),
    (error: unknown) => ({ ok: false, output: (error as { stdout?: string }).stdout ?? String(error) }),
  )
  const [, generated = '0'] = /(\d+) generated/.exec(answer.output) ?? []
  return { ...answer, generated: Number(generated) }
}
