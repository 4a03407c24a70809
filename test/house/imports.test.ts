import { execFile } from 'node:child_process'
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../support/tmp.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

/** What stands in each file, by the rule that forbids it. Every file named below exists and is otherwise blameless. */
const forbidden: readonly (readonly [what: string, file: string, text: string, rule: string])[] = [
  ['core from engine', 'core/1.ts', "import '../engine/ok.ts'", 'core-imports-only-core'],
  ['core from a file system', 'core/2.ts', "import 'node:fs/promises'", 'core-does-no-io'],
  ['core from the database', 'core/3.ts', "import 'node:sqlite'", 'core-does-no-io'],
  ['core from a client library', 'core/4.ts', "import 'undici'", 'core-has-few-packages'],
  [
    'a type alone',
    'core/5.ts',
    "import type { T } from '../engine/ok.ts'\nexport type U = T",
    'core-imports-only-core',
  ],
  ['a re-export', 'core/6.ts', "export * from '../runtime/ok.ts'", 'core-imports-only-core'],
  ['an import at run time', 'core/7.ts', "await import('node:http')", 'core-does-no-io'],
  ['a built-in asked of the process', 'core/8.ts', "process.getBuiltinModule('node:fs')", 'core-does-no-io'],
  ['engine from runtime', 'engine/1.ts', "import '../runtime/ok.ts'", 'engine-imports-only-core-engine'],
  ['engine from a socket', 'engine/2.ts', "import 'net'", 'engine-does-no-io'],
  ['engine from the logger', 'engine/3.ts', "import 'pino'", 'engine-has-few-packages'],
  ['runtime from engine', 'runtime/1.ts', "import '../engine/ok.ts'", 'runtime-imports-only-core-runtime'],
  [
    'an adapter from runtime',
    'adapters/kafka/1.ts',
    "import '../../runtime/ok.ts'",
    'adapters-imports-only-core-adapters',
  ],
  [
    'an adapter from its twin',
    'adapters/kafka/2.ts',
    "import '../embedded/ok.ts'",
    'an-adapter-imports-no-other-adapter',
  ],
  [
    'a connector from runtime',
    'connectors/1.ts',
    "import '../runtime/ok.ts'",
    'connectors-imports-only-core-connectors',
  ],
  ['a service from its neighbor', 'services/x/1.ts', "import '../y/ok.ts'", 'a-service-imports-no-other-service'],
  ['a service from an adapter', 'services/x/2.ts', "import '../../adapters/kafka/ok.ts'", 'services-imports-only'],
  ['a service from a connector', 'services/x/3.ts', "import '../../connectors/ok.ts'", 'services-imports-only'],
  ['a service from the command line', 'services/x/4.ts', "import '../../cli/ok.ts'", 'services-imports-only'],
  ['kafkajs outside of its adapter', 'adapters/embedded/1.ts', "import 'kafkajs'", 'kafkajs-only-in-adapters-kafka'],
  ['the database in a service', 'services/x/5.ts', "import 'node:sqlite'", 'sqlite-only-in-adapters-embedded'],
  ['Slack outside of the connectors', 'services/x/6.ts', "import '@slack/web-api'", 'slack-only-in-connectors'],
  ['mail outside of the connectors', 'cli/1.ts', "import 'nodemailer'", 'nodemailer-only-in-connectors'],
  ['what ships from test/', 'cli/2.ts', "import '../test/ok.ts'", 'nothing-shipped-imports-tests'],
  ['what ships from a test beside it', 'cli/3.ts', "import './ok.test.ts'", 'nothing-shipped-imports-tests'],
  [
    'what ships from a developer package',
    'cli/4.ts',
    "import 'fast-check'",
    'nothing-shipped-imports-developer-packages',
  ],
  ['a module that is not there', 'core/9.ts', "import './nowhere.ts'", 'nothing-unresolved'],
  ['a cycle', 'core/10.ts', "import './11.ts'", 'no-cycles'],
  ['a cycle of types', 'core/12.ts', "import type { T } from './13.ts'\nexport type U = T", 'no-cycles'],
]

const allowed: Readonly<Record<string, string>> = {
  'core/ok.ts': "import 'node:crypto'\nimport 'zod'\nexport interface T { readonly id: string }",
  'engine/ok.ts': "import 're2js'\nimport 'yaml'\nimport 'simple-statistics'\nexport type { T } from '../core/ok.ts'",
  'runtime/ok.ts': "import 'node:fs'\nimport 'pino'\nimport '../core/ok.ts'",
  'adapters/kafka/ok.ts': "import 'kafkajs'\nimport '../../core/ok.ts'",
  'adapters/embedded/ok.ts': "import 'node:sqlite'\nimport '../../core/ok.ts'",
  'connectors/ok.ts': "import '@slack/web-api'\nimport nodemailer from 'nodemailer'\nimport '../core/ok.ts'",
  'services/x/ok.ts': "import 'fastify'\nimport '../../core/ok.ts'\nimport './own.ts'",
  'services/x/own.ts': "import '../../engine/ok.ts'\nimport '../../runtime/ok.ts'",
  'services/x/own.test.ts': "import 'vitest'\nimport '../../adapters/embedded/ok.ts'\nimport '../../test/ok.ts'",
  'services/y/ok.ts': "import '../../core/ok.ts'",
  'cli/ok.ts': "import '../services/x/ok.ts'\nimport '../services/y/ok.ts'\nimport '../adapters/kafka/ok.ts'",
  'cli/ok.test.ts': "import './ok.ts'",
  'test/ok.ts': "import '../cli/ok.ts'\nimport 'kafkajs'\nimport 'fast-check'",
}

const cycles = {
  'core/11.ts': "import './10.ts'",
  'core/13.ts': "import type { U } from './12.ts'\nexport type T = U",
}

/** `file: rule`, for every violation in a project that holds all of the above. */
const found = new Set<string>()

beforeAll(async () => {
  const project = await temporaryFolder('imports')
  for (const name of ['package.json', 'tsconfig.json', '.dependency-cruiser.mjs']) {
    await copyFile(join(root, name), join(project, name))
  }
  await symlink(join(root, 'node_modules'), join(project, 'node_modules'))
  const planted = Object.fromEntries(forbidden.map(([, file, text]) => [file, text]))
  for (const [file, text] of Object.entries({ ...allowed, ...cycles, ...planted })) {
    await mkdir(dirname(join(project, file)), { recursive: true })
    await writeFile(join(project, file), `${text}\n`)
  }
  const args = ['node_modules/.bin/depcruise', '--config', '.dependency-cruiser.mjs', '--output-type', 'json', '.']
  const { stdout } = await run(process.execPath, args, { cwd: project, maxBuffer: 64 * 1024 * 1024 })
  const { summary } = JSON.parse(stdout) as { summary: { violations: { from: string; rule: { name: string } }[] } }
  for (const { from, rule } of summary.violations) found.add(`${from}: ${rule.name}`)
}, 60_000)

test.for(forbidden)('an import that the house forbids fails the build: %s', ([, file, , rule]) => {
  expect([...found]).toContainEqual(expect.stringContaining(`${file}: ${rule}`))
})

test('an import that the house allows is left alone', () => {
  const blamed = [...found].filter((each) => Object.keys(allowed).some((file) => each.startsWith(`${file}:`)))
  expect(blamed).toEqual([])
})
