/**
 * The kinds of tests (test/README.md says what each is for) and what each may use.
 *
 * Pure tests run first, as many at a time as there are cores. Those with servers run after them: two files at a time, since
 * they mostly wait, each with topics or servers of its own; those that crash servers last, one at a time. Nothing is
 * retried: a test that fails now and then has found something.
 */
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { SkipReporter } from './test/support/skip-reporter.ts'

const kafka = './test/servers/kafka/for-the-run.ts'

/** Tests in one process each, as many at a time as there are cores. What ends them is a hang, not a busy machine. */
const pure = (name: string, include: string[]): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name,
    include,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: '100%',
    sequence: { groupOrder: 1 },
  },
})

/** Tests that get the run's Kafka broker, and the time that real servers take. */
const withServers = (
  name: string,
  include: string[],
  { atATime, groupOrder }: { readonly atATime: number; readonly groupOrder: number },
): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name,
    include,
    globalSetup: [kafka],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: atATime,
    sequence: { groupOrder },
  },
})

const talking = { atATime: 2, groupOrder: 2 }
const crashing = { atATime: 1, groupOrder: 3 }

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    retry: 0,
    passWithNoTests: true,
    restoreMocks: true,
    reporters: ['default', new SkipReporter()],
    projects: [
      pure('unit', [
        '{core,engine,runtime,adapters,connectors,services,cli}/**/*.test.ts',
        'test/{support,trial,bench,fault/harness}/**/*.test.ts',
      ]),
      pure('house', ['test/house/**/*.test.ts']),
      pure('property', ['test/property/**/*.test.ts']),
      pure('fuzz', ['test/fuzz/**/*.test.ts']),
      pure('acceptance', ['test/acceptance/**/*.test.ts']),
      withServers('contract', ['test/contract/**/*.test.ts'], talking),
      withServers('integration', ['test/integration/**/*.test.ts'], talking),
      withServers('fault', ['test/fault/*.test.ts'], crashing),
    ],
  },
})
