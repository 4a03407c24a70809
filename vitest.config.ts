/**
 * The kinds of tests (test/README.md says what each is for) and what each may use.
 *
 * Pure tests run first and side by side. Those with servers run after them, one file at a time: what they measure and
 * crash must not be disturbed. Nothing is retried: a test that fails now and then has found something.
 */
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { SkipReporter } from './test/support/skip-reporter.ts'

const kafka = './test/servers/kafka/for-the-run.ts'

/** Tests in one process each, as many at a time as there are cores. */
const pure = (name: string, include: string[], testTimeout = 10_000): TestProjectInlineConfiguration => ({
  extends: true,
  test: { name, include, testTimeout, maxWorkers: '100%', sequence: { groupOrder: 1 } },
})

/** Tests that get the run's Kafka broker, and the time that real servers take. */
const withServers = (name: string, include: string[]): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name,
    include,
    globalSetup: [kafka],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    sequence: { groupOrder: 2 },
  },
})

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
        'test/{support,trial}/**/*.test.ts',
      ]),
      pure('house', ['test/house/**/*.test.ts'], 60_000),
      pure('property', ['test/property/**/*.test.ts'], 60_000),
      pure('fuzz', ['test/fuzz/**/*.test.ts'], 60_000),
      withServers('contract', ['test/contract/**/*.test.ts']),
      withServers('integration', ['test/integration/**/*.test.ts']),
      withServers('acceptance', ['test/acceptance/**/*.test.ts']),
      withServers('fault', ['test/fault/**/*.test.ts']),
    ],
  },
})
