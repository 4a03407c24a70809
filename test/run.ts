/**
 * Everything that must hold before a change leaves this machine: the static checks, then every test.
 *
 *   node test/run.ts            all of it; the last line is `N passed, N failed, N skipped`
 *   node test/run.ts --static   the static checks alone
 *   node test/run.ts <filter>…  static checks, and the test files whose path contains a filter
 *
 * Promises: the numbers count test cases; a check that fails, a test file that doesn't load and an error outside any test
 * each add one to the failed; the exit code is 0 only where nothing failed. One failure doesn't hide the next: all run.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { availableParallelism } from 'node:os'
import { startVitest, type Vitest } from 'vitest/node'
import { elasticsearchDistribution } from './servers/elasticsearch/distribution.ts'
import { kafkaJars } from './servers/kafka/jars.ts'
import { missingSchemathesis } from './support/schemathesis.ts'

const root = join(import.meta.dirname, '..')

interface Check {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  /** What a developer types to see it alone, or to mend it. */
  readonly alone: string
}

// The longest first, so that two at a time end together.
const checks: readonly Check[] = [
  { name: 'lint', command: ['eslint', '.'], alone: 'npm run lint' },
  { name: 'types', command: ['tsc', '--noEmit'], alone: 'npm run types' },
  { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'], alone: 'npm run format' },
  { name: 'dead code', command: ['knip', '--no-progress'], alone: 'npm run dead-code' },
  { name: 'imports', command: ['depcruise', '--config', '.dependency-cruiser.mjs', '.'], alone: 'npm run imports' },
]

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

const args = process.argv.slice(2)
const filters = args.filter((arg) => !arg.startsWith('--'))
// What the tests' servers are made of comes over the network while the checks take the processors.
const [failedChecks] = await Promise.all([runChecks(), args.length === 0 ? fetchServers() : undefined])
if (args.includes('--static')) {
  if (failedChecks > 0) process.exitCode = 1
} else {
  const tests = await runTests(filters)
  const failed = tests.failed + failedChecks
  if (failed > 0 || tests.passed === 0) process.exitCode = 1
  console.log(`${tests.passed} passed, ${failed} failed, ${tests.skipped} skipped`)
}

/** Whatever can't be had is missed, and said, by the tests that want it. */
async function fetchServers(): Promise<void> {
  await Promise.all([kafkaJars(), elasticsearchDistribution(), missingSchemathesis()])
}

async function runChecks(): Promise<number> {
  let failed = 0
  const waiting = [...checks]
  const worker = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const startedMs = performance.now()
      const { code, output } = await run(check.command)
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
      if (code === 0) {
        console.log(`✓ ${check.name} (${seconds} s)`)
      } else {
        failed += 1
        console.log(`✗ ${check.name} (${seconds} s): ${check.alone}\n${output.trimEnd()}\n`)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
  return failed
}

function run([tool, ...toolArgs]: Check['command']): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    // The tool's script, run by this very Node: the machine's own may be too old for it.
    const child = spawn(process.execPath, [join(root, 'node_modules/.bin', tool), ...toolArgs], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const keep = (chunk: Buffer) => {
      output += chunk.toString()
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', (error) => {
      resolve({ code: 1, output: error.message })
    })
    child.once('close', (code) => {
      resolve({ code: code ?? 1, output })
    })
  })
}

async function runTests(testFilters: string[]): Promise<Counts> {
  // Vitest tells by the exit code what went wrong outside of tests: start servers, stop them, clean up.
  const vitest = await startVitest(testFilters, { root, run: true, watch: false })
  const counts = count(vitest)
  await vitest.close()
  const failedElsewhere = counts.failed === 0 && process.exitCode !== undefined && process.exitCode !== 0
  return failedElsewhere ? { ...counts, failed: 1 } : counts
}

function count(vitest: Vitest): Counts {
  const counts = { passed: 0, failed: vitest.state.getUnhandledErrors().length, skipped: 0 }
  for (const module of vitest.state.getTestModules()) {
    let failedHere = 0
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') counts.passed += 1
      else if (state === 'skipped') counts.skipped += 1
      else failedHere += 1
    }
    // A file that didn't load, or whose hooks failed, has failed even where none of its tests has.
    counts.failed += failedHere === 0 && !module.ok() ? 1 : failedHere
  }
  return counts
}
