import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openEmbedded, temporary, type Embedded } from '../../adapters/embedded/open.ts'
import type { ContentFile } from '../../core/content.ts'
import type { Mistake } from '../../core/errors.ts'
import type { BusRecord } from '../../core/ports/bus.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { limits } from '../../core/limits.ts'
import { topics, topicSpecs } from '../../core/topics.ts'
import { parseYaml } from '../../core/yaml.ts'
import { temporaryFolder } from '../../test/support/tmp.ts'
import { bundleOf } from './content-digest.ts'
import { loadFolders } from './content-files.ts'
import { ContentPublisher, type ContentFolders } from './content-publisher.ts'
import { ContentOnBus, followContent, type FollowedContent } from './content-reader.ts'
import { rollBack } from './content-rollback.ts'
import { silentLog } from '../log.ts'
import { silentTelemetry } from '../telemetry.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

const yamlMistakes = (files: readonly ContentFile[]): Mistake[] =>
  files.flatMap((file) => [...parseYaml(file).mistakes])

const checks = { sources: yamlMistakes, rules: yamlMistakes, playbooks: yamlMistakes, inventory: yamlMistakes }

async function instance() {
  const embedded: Embedded = await openEmbedded({ folder: temporary, log: silentLog, clock: systemClock })
  open.push(embedded)
  await embedded.bus.createTopics(topicSpecs(2))
  const content = await followContent(embedded.bus, silentLog, silentTelemetry)
  open.push({ close: () => content.stop() })
  const root = await temporaryFolder('content')
  for (const set of ['sources', 'rules', 'playbooks', 'inventory']) mkdirSync(join(root, set))
  const folders: ContentFolders = {
    sources: [join(root, 'sources')],
    rules: [join(root, 'rules')],
    playbooks: [join(root, 'playbooks')],
    inventory: [join(root, 'inventory')],
  }
  const publisher = new ContentPublisher({
    bus: embedded.bus,
    content,
    folders,
    checks,
    log: silentLog,
    telemetry: silentTelemetry,
  })
  open.push({ close: () => publisher.stop() })
  return { bus: embedded.bus, content, root, folders, publisher }
}

async function read(bus: Embedded['bus'], topic: string, partition: number): Promise<BusRecord[]> {
  const records: BusRecord[] = []
  await bus.read({ topic, partition }, 'start', (batch) => void records.push(...batch))
  return records
}

async function until(look: () => boolean, withinMs: number): Promise<number> {
  const startedMs = performance.now()
  while (!look()) {
    if (performance.now() - startedMs > withinMs) throw new Error(`It did not happen within ${withinMs} ms.`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return performance.now() - startedMs
}

const inForce = (content: FollowedContent, digest: string) => until(() => content.current('rules') === digest, 2_000)

describe('content on the bus', () => {
  it('reaches every reader whole, and tells every partition of the logs that follow it', async () => {
    const { bus, content, root, publisher } = await instance()
    mkdirSync(join(root, 'rules', 'cloud'))
    writeFileSync(join(root, 'rules', 'cloud', 'a.yml'), 'title: a\n')
    writeFileSync(join(root, 'rules', 'b.yml'), 'title: b\n')
    writeFileSync(join(root, 'rules', 'b.cases.yml'), 'cases: []\n')
    const published = await publisher.publishAll()
    expect(published.map(({ set, outcome, files }) => [set, outcome, files])).toEqual([
      ['sources', 'published', 0],
      ['rules', 'published', 2],
      ['playbooks', 'published', 0],
      ['inventory', 'published', 0],
    ])
    const digest = await content.waitForCurrent('rules', AbortSignal.timeout(2_000))
    const { bundle, files } = await content.bundle(digest)
    expect(bundle.set).toBe('rules')
    expect(files).toEqual([
      { path: 'b.yml', text: 'title: b\n' },
      { path: 'cloud/a.yml', text: 'title: a\n' },
    ])
    for (const topic of [topics.events, topics.observations]) {
      for (const partition of [0, 1]) {
        const [record, inventory, ...more] = await read(bus, topic, partition)
        expect(more).toEqual([])
        expect(JSON.parse(inventory!.value!.toString())).toMatchObject({ control: 'content', set: 'inventory' })
        expect(record!.headers).toMatchObject({ 'w-control': 'content' })
        expect(JSON.parse(record!.value!.toString())).toEqual({ control: 'content', set: 'rules', digest })
      }
    }
    expect(await read(bus, topics.signals, 0)).toEqual([])
  })

  it('published again with the same files changes nothing, even by another publisher', async () => {
    const { bus, content, root, folders, publisher } = await instance()
    writeFileSync(join(root, 'rules', 'a.yml'), 'title: a\n')
    await publisher.publish('rules')
    expect(await publisher.publish('rules')).toMatchObject({ outcome: 'unchanged' })
    await content.waitForCurrent('rules', AbortSignal.timeout(2_000))
    const other = new ContentPublisher({
      bus,
      content,
      folders,
      checks,
      log: silentLog,
      telemetry: silentTelemetry,
    })
    expect(await other.publish('rules')).toMatchObject({ outcome: 'unchanged' })
    expect(await read(bus, topics.events, 0)).toHaveLength(1)
  })

  it('edited back before anyone has read the edit is published again', async () => {
    const { root, content, publisher } = await instance()
    const edit = async (text: string) => {
      writeFileSync(join(root, 'rules', 'a.yml'), text)
      return publisher.publish('rules')
    }
    const first = await edit('title: a\n')
    await inForce(content, first.digest)
    await edit('title: b\n')
    expect(await edit('title: a\n')).toMatchObject({ outcome: 'published', digest: first.digest })
  })

  it('takes effect within 2 s of an edit; a broken edit changes nothing and is reported with its place', async () => {
    const { root, content, publisher } = await instance()
    const file = join(root, 'rules', 'a.yml')
    writeFileSync(file, 'title: a\n')
    publisher.watch()
    const first = bundleOf('rules', [{ path: 'a.yml', text: 'title: a\n' }]).digest
    await inForce(content, first)

    writeFileSync(file, 'title: a\nlevel: "open\n')
    await until(() => content.mistakes().length > 0, 2_000)
    expect(content.mistakes()).toMatchObject([
      {
        set: 'rules',
        by: 'publisher',
        mistakes: [{ place: { file, line: expect.any(Number), column: expect.any(Number) } }],
      },
    ])
    expect(content.current('rules')).toBe(first)

    // As editors save: a new file, renamed over the old one.
    writeFileSync(`${file}.tmp`, 'title: mended\n')
    renameSync(`${file}.tmp`, file)
    await inForce(content, bundleOf('rules', [{ path: 'a.yml', text: 'title: mended\n' }]).digest)
    expect(content.mistakes()).toEqual([])

    rmSync(file)
    await inForce(content, bundleOf('rules', []).digest)
  })

  it('a stage that can use a set again takes its own report back, not the publisher’s', () => {
    const content = new ContentOnBus(silentLog, silentTelemetry)
    content.reportMistakes('rules', 'x', [{ code: 'A', message: 'a' }], 'publisher')
    content.reportMistakes('rules', 'y', [{ code: 'B', message: 'b' }])
    content.reportMistakes('rules', 'z', [])
    expect(content.mistakes().map((report) => report.digest)).toEqual(['x'])
  })

  it('with mistakes before any was in force is not told as if an earlier one still were', () => {
    const said: string[] = []
    const content = new ContentOnBus({ ...silentLog, error: (message) => void said.push(message) }, silentTelemetry)
    content.reportMistakes('rules', 'x', [{ code: 'A', message: 'a' }], 'publisher')
    expect(said).toEqual(['Content has mistakes: none is in force until they are mended'])
  })

  it('is refused where a body is not what its digest says, and a bundle that never comes is an error', async () => {
    const content = new ContentOnBus(silentLog, silentTelemetry, 50)
    const bundle = bundleOf('rules', [{ path: 'a.yml', text: 'good' }])
    const record = (key: string, value: string): BusRecord => ({
      topic: topics.content,
      partition: 0,
      offset: 0,
      key,
      value: Buffer.from(value),
      headers: {},
      appendedMs: 0,
    })
    content.apply([
      record(`bundle/rules/${bundle.digest}`, JSON.stringify(bundle)),
      record(`file/${bundle.files[0]!.sha256}`, 'evil'),
      record('current/rules', 'not json'),
      record('current/__proto__', '{"digest":"x"}'),
    ])
    await expect(content.bundle(bundle.digest)).rejects.toMatchObject({ code: 'CONTENT_MISSING', retryable: true })
    expect(content.current('rules')).toBeUndefined()
    const waiting = content.bundle(bundle.digest)
    content.apply([record(`file/${bundle.files[0]!.sha256}`, 'good')])
    expect((await waiting).files).toEqual([{ path: 'a.yml', text: 'good' }])
  })
})

describe('content folders', () => {
  it('give up nothing that stands outside them, nor what is hidden', async () => {
    const root = await temporaryFolder('content')
    const outside = await temporaryFolder('outside')
    writeFileSync(join(outside, 'secret.yml'), 'secret: true\n')
    mkdirSync(join(root, '.git'))
    mkdirSync(join(root, '..data'))
    writeFileSync(join(root, '.git', 'x.yml'), 'x: 1\n')
    writeFileSync(join(root, '..data', 'linked.yml'), 'linked: 1\n')
    writeFileSync(join(root, 'readme.md'), 'no content')
    symlinkSync(join(outside, 'secret.yml'), join(root, 'stolen.yml'))
    symlinkSync(outside, join(root, 'folder'))
    // As Kubernetes mounts a ConfigMap.
    symlinkSync(join('..data', 'linked.yml'), join(root, 'linked.yml'))
    const { files, mistakes } = await loadFolders([root])
    expect(files).toEqual([{ path: 'linked.yml', text: 'linked: 1\n' }])
    expect(mistakes).toMatchObject([{ code: 'CONTENT_LINK_OUTSIDE', place: { file: join(root, 'stolen.yml') } }])
  })

  it('report what is too large, not UTF-8 or not there, and keep the rest', async () => {
    const root = await temporaryFolder('content')
    writeFileSync(join(root, 'good.yaml'), 'a: 1\n')
    writeFileSync(join(root, 'large.yml'), Buffer.alloc(limits.contentFileBytesMax + 1, 'x'))
    writeFileSync(join(root, 'latin1.yml'), Buffer.from([0x61, 0xe4]))
    const { files, mistakes } = await loadFolders([root, join(root, 'nowhere')])
    expect(files.map((file) => file.path)).toEqual(['good.yaml'])
    expect(mistakes.map((mistake) => mistake.code).sort()).toEqual([
      'CONTENT_FILE_NOT_UTF8',
      'CONTENT_FILE_TOO_LARGE',
      'CONTENT_FOLDER_UNREADABLE',
    ])
  })

  it('put a user’s file over the shipped one at the same path', async () => {
    const [shipped, own] = [await temporaryFolder('content'), await temporaryFolder('content')]
    writeFileSync(join(shipped, 'a.yml'), 'from: shipped\n')
    writeFileSync(join(shipped, 'b.yml'), 'from: shipped\n')
    writeFileSync(join(own, 'a.yml'), 'from: own\n')
    const { files, origins } = await loadFolders([shipped, own])
    expect(files).toEqual([
      { path: 'a.yml', text: 'from: own\n' },
      { path: 'b.yml', text: 'from: shipped\n' },
    ])
    expect(origins.get('a.yml')).toBe(join(own, 'a.yml'))
  })
})

describe('going back to an earlier version', () => {
  it('is recorded, survives the watcher of the folders, and ends with the next edit', async () => {
    const { bus, content, root, publisher } = await instance()
    const file = join(root, 'rules', 'a.yml')
    writeFileSync(file, 'a: 1')
    const first = (await publisher.publish('rules')).digest
    writeFileSync(file, 'a: 2')
    const second = (await publisher.publish('rules')).digest
    await until(() => content.current('rules') === second, 5_000)
    const asked = { digest: first.slice(0, 12), by: 'operator:ana', reason: 'floods', atMs: 1_000 }
    const mistake: Mistake = { code: 'OLD', message: 'It is written for an older program.' }
    const strict = { ...checks, rules: () => [mistake] }
    await expect(rollBack({ bus, content, checks: strict }, asked)).rejects.toMatchObject({ mistakes: [mistake] })
    expect([content.current('rules'), content.rollbacks()]).toEqual([second, []])
    await rollBack({ bus, content, checks }, asked)
    await until(() => content.current('rules') === first, 5_000)
    expect(content.rollbacks()).toEqual([
      { set: 'rules', from: second, to: first, by: 'operator:ana', reason: 'floods', at: '1970-01-01T00:00:01.000Z' },
    ])
    expect((await publisher.publish('rules')).outcome).toBe('held')
    expect(content.current('rules')).toBe(first)
    await expect(rollBack({ bus, content, checks }, asked)).rejects.toMatchObject({ code: 'ROLLBACK_INVALID' })
    writeFileSync(file, 'a: 3')
    expect((await publisher.publish('rules')).outcome).toBe('published')
    await until(() => content.current('rules') !== first, 5_000)
    expect(content.held('rules')).toBeUndefined()
  })
})
