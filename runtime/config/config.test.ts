import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigInvalidError, type Mistake } from '../../core/errors.ts'
import { temporaryFolder } from '../../test/support/tmp.ts'
import { loadConfig } from './config-load.ts'
import { Config, defaultConfig } from './config.ts'
import { silentLog } from '../log.ts'
import { Redactor } from '../redact.ts'
import { Secrets, generatedSecret } from './secrets.ts'

async function load(text: string | undefined, env: Record<string, string> = {}) {
  const cwd = await temporaryFolder('config')
  if (text !== undefined) writeFileSync(join(cwd, 'modelwarden.yml'), text)
  return loadConfig({ env, cwd })
}

async function mistakesOf(text: string | undefined, env: Record<string, string> = {}): Promise<readonly Mistake[]> {
  try {
    await load(text, env)
  } catch (error) {
    if (error instanceof ConfigInvalidError) return error.mistakes
    throw error
  }
  throw new Error('There was no mistake.')
}

describe('the configuration', () => {
  it('is all defaults without a file, with an empty one, and with one of comments', async () => {
    for (const text of [undefined, '', '# nothing yet\n']) expect((await load(text)).config).toEqual(defaultConfig())
  })

  it('reports every mistake with its line and column, and names the key that was probably meant', async () => {
    const mistakes = await mistakesOf(
      [
        'http:',
        '  listne: 127.0.0.1:1',
        '  bodyBytesMax: lots',
        'buss:',
        '  kind: kafka',
        'log:',
        '  level: loud',
        '',
      ].join('\n'),
    )
    expect(mistakes.map(({ place, hint }) => [place?.line, place?.column, hint])).toEqual(
      expect.arrayContaining([
        [2, 3, 'Did you mean "listen"?'],
        [3, 17, undefined],
        [4, 1, 'Did you mean "bus"?'],
        [7, 10, undefined],
      ]),
    )
    expect(mistakes).toHaveLength(4)
  })

  it('refuses a secret that is written out, and does not repeat it', async () => {
    const literal = 'xoxb-my-literal-secret'
    const mistakes = await mistakesOf(`http:\n  tokens:\n    - { name: a, token: ${literal}, roles: [admin] }\n`)
    expect(mistakes).toHaveLength(1)
    expect(mistakes[0]!.place?.line).toBe(3)
    expect(mistakes[0]!.message).toContain('{env: NAME}')
    expect(JSON.stringify(mistakes)).not.toContain(literal)
  })

  it('takes the environment over the file: numbers, lists and references alike', async () => {
    const { config } = await load('http: { listen: "127.0.0.1:1" }\n', {
      MODELWARDEN_HTTP__LISTEN: '127.0.0.1:9',
      MODELWARDEN_RUNTIME__CHECKPOINT_INTERVAL_MS: '250',
      MODELWARDEN_BUS__KIND: 'kafka',
      MODELWARDEN_BUS__KAFKA__BROKERS: '[a:9092, b:9092]',
      MODELWARDEN_HMAC_KEY: 'not a setting: it has no section',
      MODELWARDEN_DATA__FOLDER: '/tmp/x: y',
    }).catch((error: unknown) => ({ config: error as ConfigInvalidError }))
    // On Kafka the key is required, and the mistake names the variable that chose Kafka.
    expect((config as ConfigInvalidError).mistakes.map((mistake) => mistake.message)).toEqual([
      expect.stringMatching(/^MODELWARDEN_BUS__KIND: hmacKey is required on Kafka/),
    ])
    const loaded = await load(undefined, {
      MODELWARDEN_HTTP__LISTEN: '127.0.0.1:9',
      MODELWARDEN_RUNTIME__CHECKPOINT_INTERVAL_MS: '250',
      MODELWARDEN_CONTENT__RULES: '[a, b]',
    })
    expect(loaded.config.http.listen).toBe('127.0.0.1:9')
    expect(loaded.config.runtime.checkpointIntervalMs).toBe(250)
    expect(loaded.config.content.rules).toEqual(['a', 'b'])
  })

  it('names the variable where the mistake is in the environment, and is not fooled by __proto__', async () => {
    const mistakes = await mistakesOf(undefined, { MODELWARDEN_LOG__LEVLE: 'info', MODELWARDEN___PROTO____X: '1' })
    const messages = mistakes.map((mistake) => mistake.message)
    expect(messages.some((message) => message.startsWith('MODELWARDEN_LOG__LEVLE: '))).toBe(true)
    expect(messages).toHaveLength(2)
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  it('refuses a limit on what waits that a single body may pass, since that body could never be taken', async () => {
    const [mistake] = await mistakesOf('collect:\n  inFlightBytesMax: 1000000\n')
    expect(mistake).toMatchObject({ place: { line: 2 }, hint: expect.stringContaining('186286080') as string })
    expect(mistake!.message).toContain('collect.inFlightBytesMax is 1000000')
  })

  it('tells a port that there is not at once with the other mistakes', async () => {
    const mistakes = await mistakesOf('http:\n  listen: 127.0.0.1:65536\n  listten: 1\nbus:\n  kind: carrier-pigeon\n')
    expect(mistakes.map(({ place }) => place?.line).sort()).toEqual([2, 3, 5])
    expect(mistakes.map(({ message }) => message)).toContain(
      'http.listen: A port is at most 65535; the default is 8471.',
    )
    await expect(load('http:\n  listen: 127.0.0.1:65535\n')).resolves.toBeDefined()
  })

  it('says what must hold between settings', async () => {
    const mistakes = await mistakesOf(
      'bus: { kind: kafka }\nhttp:\n  listen: 0.0.0.0:8471\n  loopbackRoles: [gateway]\n',
    )
    expect(mistakes.map((mistake) => mistake.place?.line)).toEqual([1, 1, 3, 4])
  })

  it('wants an Elasticsearch to be named, and one way to be let in', async () => {
    expect(await mistakesOf('index: { kind: elasticsearch }\n')).toHaveLength(1)
    const es = 'index:\n  kind: elasticsearch\n  elasticsearch:\n    nodes: [http://127.0.0.1:9200]\n'
    await expect(load(es)).resolves.toBeDefined()
    expect(await mistakesOf(`${es}    username: ana\n`)).toHaveLength(1)
    const both = `${es}    username: ana\n    password: { env: P }\n    apiKey: { env: K }\n`
    expect((await mistakesOf(both)).map((mistake) => mistake.message)).toEqual([
      'index.elasticsearch has a user and an API key.',
    ])
    expect(await mistakesOf(es.replace('http://', 'http://ana:secret@'))).toHaveLength(1)
  })

  it('reports YAML that is no YAML with its place', async () => {
    const [mistake] = await mistakesOf('http:\n  listen: "open\n')
    expect(mistake!.place?.line).toBeGreaterThanOrEqual(2)
    await expect(load('- a\n- b\n')).rejects.toMatchObject({
      mistakes: [{ message: expect.stringContaining('mapping') }],
    })
  })

  it('names a file that was asked for and is not there', () => {
    expect(() => loadConfig({ file: 'nowhere.yml', env: {}, cwd: '/' })).toThrow(/nowhere\.yml/)
  })

  it('resolves its defaults to themselves, so that nothing depends on being left out', () => {
    expect(Config.parse(defaultConfig())).toEqual(defaultConfig())
  })
})

describe('secrets', () => {
  const secrets = (folder: string, env: Record<string, string> = {}) => {
    const redactor = new Redactor()
    return { redactor, secrets: new Secrets({ env, folder, redactor, log: silentLog }) }
  }

  it('come from the environment or a file, and are unknown to the log from then on', async () => {
    const folder = await temporaryFolder('secrets')
    writeFileSync(join(folder, 'token'), 'from-a-file-123\n')
    const { secrets: read, redactor } = secrets(folder, { TOKEN: 'from-env-123' })
    expect(read.read({ env: 'TOKEN' }, 'a')).toBe('from-env-123')
    expect(read.read({ file: 'token' }, 'b')).toBe('from-a-file-123')
    read.settle()
    expect(redactor.text('x from-env-123 y from-a-file-123')).toBe('x [redacted] y [redacted]')
  })

  it('are all reported with their setting where they are missing', async () => {
    const folder = await temporaryFolder('secrets')
    mkdirSync(join(folder, 'empty-dir'))
    writeFileSync(join(folder, 'empty'), '\n')
    const { secrets: read } = secrets(folder)
    read.read({ env: 'NOWHERE' }, 'http.tokens[0].token')
    read.read({ file: 'nowhere' }, 'connectors.slack.token')
    read.read({ file: 'empty' }, 'x')
    read.readKey({ file: 'empty-dir' }, 'hmacKey')
    expect(() => read.settle()).toThrow(/http\.tokens\[0\]\.token[^]*NOWHERE[^]*connectors\.slack\.token[^]*hmacKey/)
  })

  it('give the same key from hex and base64, and refuse a short one', async () => {
    const key = Buffer.alloc(32, 7)
    const { secrets: read } = secrets('/', {
      HEX: key.toString('hex'),
      B64: key.toString('base64'),
      SHORT: 'short-key',
    })
    expect(Buffer.from(read.readKey({ env: 'HEX' }, 'k'))).toEqual(key)
    expect(Buffer.from(read.readKey({ env: 'B64' }, 'k'))).toEqual(key)
    read.readKey({ env: 'SHORT' }, 'hmacKey')
    expect(() => read.settle()).toThrow(/hmacKey: the key has 9 bytes/)
  })

  it('that are generated stay the same, for their owner’s eyes only', async () => {
    const path = join(await temporaryFolder('secrets'), 'deep', 'token')
    const first = generatedSecret(path, new Redactor())
    chmodSync(path, 0o644)
    expect(generatedSecret(path, new Redactor())).toBe(first)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8').trim()).toMatch(/^[0-9a-f]{64}$/)
  })
})
