/**
 * A believable day of an organization that trains and serves models, told in its sources' own formats.
 *
 * Ordinary work and ordinary customers, and among them two thefts: an engineer who has given notice takes the weights
 * along, and a customer's key reads the language model out through its API. Pure and the same on every run, but for the
 * moment that it ends at: records are dated backwards from there.
 */
import {
  classifier, customers, datasetBucket, extractor, foreignAccount, insider, languageModel, shards, staff, trail,
  weightsBucket, type Person,
} from './cast.ts' // prettier-ignore
import { awsRecord, personIdentity, readObject, serviceIdentity, type AwsCall } from './cloudtrail.ts'
import {
  casesOf, gatewayRecord, litellmRecord, logitRecord, ordinaryInput, shortPrompt, tokensToBias,
} from './inference.ts' // prettier-ignore
import { kubeRecord, trailRecord } from './platform.ts'
import { seeded, type Random } from './random.ts'

export type DemoSource = 'aws.cloudtrail' | 'kubernetes.audit' | 'litellm' | 'gateway' | 'audit'

export interface DemoRecord {
  readonly source: DemoSource
  readonly atMs: number
  readonly record: Record<string, unknown>
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** Records of one day end a little before now, as they do where delivery takes time. */
const deliveryMs = 5_000

/** The day that ends at `endMs`, in order of time. `run` keeps the ids of two tellings apart. */
export function believableDay(endMs: number, run: string): readonly DemoRecord[] {
  const random = seeded(20_261_121)
  const startMs = endMs - 24 * hourMs
  const day = new Day(random, startMs, run)
  for (const person of staff) day.workday(person, { thief: false })
  day.workday(insider, { thief: true })
  day.services()
  day.customers()
  day.exfiltration(endMs - 55 * minuteMs)
  day.extraction(endMs - 40 * minuteMs, endMs - deliveryMs)
  return day.records.sort((a, b) => a.atMs - b.atMs)
}

class Day {
  readonly records: DemoRecord[] = []
  readonly #random: Random
  /** For the ids that sources give: another telling of the day is another day. */
  readonly #ids: Random
  readonly #startMs: number
  readonly #run: string
  #count = 0

  constructor(random: Random, startMs: number, run: string) {
    this.#random = random
    this.#ids = seeded(Buffer.from(run).reduce((sum, byte) => (Math.imul(sum, 31) + byte) >>> 0, 7))
    this.#startMs = startMs
    this.#run = run
  }

  /** Sign in, look around, read some data, commit, ask the language model. */
  workday(person: Person, { thief }: { readonly thief: boolean }): void {
    const random = this.#random
    const beginMs = this.#startMs + (14 + 2 * random.next()) * hourMs
    const who = { identity: personIdentity(person, beginMs), ip: person.ip }
    const somewhen = (): number => beginMs + random.next() * 7 * hourMs
    for (let n = 0; n < 10; n++) {
      const [source, name] = random.pick(lookingAround)
      this.#aws({ ...who, atMs: somewhen(), source, name, readOnly: true })
    }
    for (let n = 0; n < 12; n++) {
      const part = { key: `lesions/2026/part-${random.whole(0, 400)}.parquet`, bytes: random.whole(4e6, 3e7) }
      this.#aws(readObject(who, datasetBucket, part, somewhen()))
    }
    for (let n = 0; n < 6; n++) {
      const [source, action, resource, bytes] = random.pick(tooling)
      this.#trail({ atMs: somewhen(), person, source, action, resource, bytes: random.whole(bytes / 2, bytes) })
    }
    for (let n = 0; n < (thief ? 4 : 16); n++) {
      const tokens = [random.whole(80, 1_800), random.whole(40, 600)] as const
      const call = { atMs: somewhen(), person, team: 'ml-platform', tokens }
      this.#add('litellm', call.atMs, litellmRecord(call, this.#ids))
    }
  }

  /** Deployments and training: machines read weights and data every hour of every day. */
  services(): void {
    const random = this.#random
    for (let hour = 0; hour < 24; hour++) {
      const atMs = this.#startMs + hour * hourMs + random.whole(1, 50) * minuteMs
      const trainer = { identity: serviceIdentity('training-job', `job-${random.hex(6)}`, atMs), ip: '10.20.4.17' }
      for (let n = 0; n < 8; n++) {
        const part = { key: `lesions/2026/part-${random.whole(0, 400)}.parquet`, bytes: random.whole(1e7, 4e7) }
        this.#aws(readObject({ ...trainer, agent: 'Boto3/1.40 Botocore/1.40' }, datasetBucket, part, atMs + n * 2_000))
      }
      const kube = {
        user: 'system:serviceaccount:serving:rollout',
        groups: ['system:serviceaccounts'],
        ip: '10.20.1.5',
      }
      for (const [verb, resource] of [
        ['get', 'deployments'],
        ['patch', 'deployments'],
        ['list', 'pods'],
        ['get', 'configmaps'],
      ] as const) {
        const call = {
          ...kube,
          atMs: atMs + random.whole(0, 9) * 1_000,
          agent: 'argocd/3.1',
          verb,
          resource,
          namespace: 'serving',
          name: 'llm',
        }
        this.#add('kubernetes.audit', call.atMs, kubeRecord(call, this.#ids))
      }
    }
  }

  /** Each customer asks about its own few kinds of cases, more by day than by night. */
  customers(): void {
    const random = this.#random
    for (const customer of [...customers, extractor]) {
      const kinds = casesOf(random)
      for (let n = 0; n < customer.queries; n++) {
        const hour = 12 + 4 * random.normal()
        const atMs = this.#startMs + Math.min(23.9, Math.max(0, hour)) * hourMs
        this.#ask(customer, atMs, ordinaryInput(random, kinds))
      }
    }
  }

  /** The weights, shard by shard, then a copy into an account that is not ours, then the trail is silenced. */
  exfiltration(beginMs: number): void {
    const who = { identity: personIdentity(insider, beginMs - 3 * hourMs), ip: insider.ip }
    const stepMs = 35_000
    this.#aws({
      ...who,
      atMs: beginMs,
      source: 's3.amazonaws.com',
      name: 'ListObjects',
      request: { bucketName: weightsBucket, prefix: `${languageModel}/` },
      readOnly: true,
      dataEvent: true,
    })
    this.#aws({
      ...who,
      atMs: beginMs + 5_000,
      source: 'kms.amazonaws.com',
      name: 'Decrypt',
      request: {
        encryptionAlgorithm: 'SYMMETRIC_DEFAULT',
        encryptionContext: { 'aws:s3:arn': `arn:aws:s3:::${weightsBucket}` },
      },
      readOnly: true,
    })
    for (const [n, shard] of shards.entries())
      this.#aws(readObject(who, weightsBucket, shard, beginMs + 20_000 + n * stepMs))
    let atMs = beginMs + 20_000 + shards.length * stepMs
    for (const shard of shards) {
      atMs += 4_000
      const key = shard.key.replace(languageModel, 'backup')
      this.#aws({
        ...who,
        atMs,
        source: 's3.amazonaws.com',
        name: 'CopyObject',
        request: {
          bucketName: `dr-archive-${foreignAccount}`,
          Host: `dr-archive-${foreignAccount}.s3.amazonaws.com`,
          'x-amz-copy-source': `${weightsBucket}/${shard.key}`,
          key,
        },
        data: { bytesTransferredIn: 0, bytesTransferredOut: shard.bytes, 'x-amz-id-2': this.#random.hex(32) },
        resources: [
          { type: 'AWS::S3::Object', ARN: `arn:aws:s3:::dr-archive-${foreignAccount}/${key}` },
          { accountId: foreignAccount, type: 'AWS::S3::Bucket', ARN: `arn:aws:s3:::dr-archive-${foreignAccount}` },
        ],
        readOnly: false,
        dataEvent: true,
      })
    }
    this.#aws({
      ...who,
      atMs: atMs + 60_000,
      source: 'cloudtrail.amazonaws.com',
      name: 'StopLogging',
      request: { name: trail },
      readOnly: false,
    })
  }

  /** A few prompts in each burst, as fast as the answers come: each is asked for one token, with a bias on ever other tokens. */
  extraction(beginMs: number, endMs: number): void {
    const bursts = 6
    const promptsInBurst = 8
    const tokenSets = Array.from({ length: 50 }, () => tokensToBias(this.#random))
    const callsInBurst = promptsInBurst * tokenSets.length
    for (let burst = 0; burst < bursts; burst++) {
      const burstMs = beginMs + ((endMs - beginMs - minuteMs) * burst) / (bursts - 1)
      const prompts = Array.from({ length: promptsInBurst }, () => shortPrompt(this.#ids))
      for (let n = 0; n < callsInBurst; n++) {
        const atMs = Math.floor(burstMs + (50_000 * n) / callsInBurst)
        const prompt = prompts[Math.floor(n / tokenSets.length)]!
        const tokens = tokenSets[n % tokenSets.length]!
        const call = { id: this.#id(languageModel), atMs, customer: extractor, prompt, tokens }
        this.#add('gateway', atMs, logitRecord(call, this.#ids))
      }
    }
  }

  #id(what: string): string {
    this.#count++
    return `${this.#run}-${what}-${this.#count}`
  }

  #ask(customer: (typeof customers)[number], atMs: number, features: readonly number[]): void {
    const id = this.#id(classifier)
    this.#add('gateway', atMs, gatewayRecord({ id, atMs: Math.floor(atMs), customer, features }, this.#random))
  }

  #aws(call: AwsCall): void {
    this.#add('aws.cloudtrail', call.atMs, awsRecord(call, this.#ids))
  }

  #trail(call: Omit<Parameters<typeof trailRecord>[0], 'id'>): void {
    this.#add('audit', call.atMs, trailRecord({ ...call, id: this.#id('trail') }))
  }

  #add(source: DemoSource, atMs: number, record: Record<string, unknown>): void {
    this.records.push({ source, atMs, record })
  }
}

const lookingAround = [
  ['sts.amazonaws.com', 'GetCallerIdentity'],
  ['s3.amazonaws.com', 'ListBuckets'],
  ['sagemaker.amazonaws.com', 'ListTrainingJobs'],
  ['ec2.amazonaws.com', 'DescribeInstances'],
  ['logs.amazonaws.com', 'DescribeLogGroups'],
  ['cloudwatch.amazonaws.com', 'GetMetricData'],
] as const

const tooling = [
  ['git', 'git.fetch', 'git://ml/training', 4e5],
  ['git', 'git.push', 'git://ml/training', 2e5],
  ['git', 'git.clone', 'git://ml/eval-harness', 8e6],
  ['registry', 'model.describe', `registry://models/${classifier}`, 2e3],
  ['registry', 'model.list', 'registry://models', 4e3],
] as const
