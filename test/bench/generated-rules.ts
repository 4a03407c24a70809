/**
 * Rules and events for the rule benchmark, of the shapes that public ones have: which fields, how long lists, how much of an
 * event a rule looks at. Nothing of it is anybody's rule. The same numbers give the same rules.
 */
import type { ContentFile } from '../../core/content.ts'

/** A linear congruential generator (Numerical Recipes): the same sequence everywhere. */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const syllables = ['ka', 'ro', 'mi', 'net', 'sec', 'dump', 'load', 'ex', 'win', 'sys', 'reg', 'pro', 'ter', 'val', 'co']

class Words {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = generator(seed)
  }

  upTo(count: number): number {
    return Math.floor(this.#random() * count)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.upTo(list.length)]!
  }

  word(): string {
    return Array.from({ length: 2 + this.upTo(3) }, () => this.pick(syllables)).join('')
  }

  list(least: number, most: number, make: () => string): readonly string[] {
    return Array.from({ length: least + this.upTo(most - least + 1) }, make)
  }

  hex(length: number): string {
    return Array.from({ length }, () => '0123456789abcdef'.charAt(this.upTo(16))).join('')
  }
}

function values(list: readonly string[]): string {
  return list.map((value) => `            - '${value}'\n`).join('')
}

function processRule(words: Words): string {
  return `logsource:
    product: windows
    category: process_creation
detection:
    selection_image:
        Image|endswith:
${values(words.list(1, 4, () => `\\${words.word()}.exe`))}    selection_line:
        CommandLine|contains:
${values(words.list(1, 12, () => ` -${words.word()} `))}    filter:
        ParentImage|startswith: 'C:\\Program Files\\${words.word()}'
    condition: selection_line and not filter${words.upTo(2) === 0 ? ' and selection_image' : ''}
`
}

function fileRule(words: Words): string {
  return `logsource:
    product: windows
    category: file_event
detection:
    selection:
        TargetFilename|contains:
${values(words.list(1, 6, () => `\\${words.word()}\\`))}        TargetFilename|endswith: '.${words.word()}'
    condition: selection
`
}

function cloudRule(words: Words): string {
  return `logsource:
    product: aws
    service: cloudtrail
detection:
    selection:
        eventSource: ${words.word()}.amazonaws.com
        eventName:
${values(words.list(1, 4, () => `Put${words.word()}`))}    filter:
        userIdentity.type: AssumedRole
    condition: selection and not filter
`
}

function keywordRule(words: Words): string {
  return `logsource:
    category: ${words.pick(['webserver', 'application', 'antivirus'])}
detection:
    keywords:
${values(words.list(1, 5, () => `${words.word()} ${words.word()}`)).replaceAll(/^ {4}/gm, '')}    condition: keywords
`
}

export function generatedRules(count: number): readonly ContentFile[] {
  const words = new Words(7)
  const kinds = [processRule, processRule, processRule, fileRule, cloudRule, keywordRule] as const
  return Array.from({ length: count }, (_, index) => ({
    path: `generated/${index}.yml`,
    text: `title: Generated ${index}\nid: generated-${index}\nlevel: low\n${kinds[index % kinds.length]!(words)}`,
  }))
}

/** Streams as NDJSON: structured Windows events, CloudTrail records, and logs that no rule is about. */
export function generatedStreams(count: number): readonly { readonly name: string; readonly text: string }[] {
  const words = new Words(11)
  const stream = (name: string, event: () => unknown): { readonly name: string; readonly text: string } => ({
    name,
    text: Array.from({ length: count }, () => JSON.stringify(event())).join('\n'),
  })
  return [
    stream('windows', () => windowsEvent(words)),
    stream('cloudtrail', () => cloudEvent(words)),
    stream('another product', () => ({
      product: 'another',
      message: `${words.hex(40)} ${words.word()}`,
      host: words.hex(8),
    })),
  ]
}

function windowsEvent(words: Words): unknown {
  const image = `C:\\Windows\\System32\\${words.word()}.exe`
  return {
    EventID: 1,
    Image: image,
    CommandLine: `${image} -${words.word()} C:\\Users\\${words.word()}\\${words.word()}.txt /q ${words.hex(24)}`,
    ParentImage: `C:\\Windows\\${words.word()}.exe`,
    ParentCommandLine: `C:\\Windows\\${words.word()}.exe -k ${words.word()}`,
    User: `CORP\\${words.word()}`,
    IntegrityLevel: words.pick(['Medium', 'High', 'System']),
    ProcessId: words.upTo(60_000),
    ProcessGuid: words.hex(32),
    Hashes: `SHA256=${words.hex(64)}`,
    Computer: words.hex(6),
    product: 'windows',
    category: 'process_creation',
  }
}

function cloudEvent(words: Words): unknown {
  const account = `1112223334${10 + words.upTo(80)}`
  return {
    eventVersion: '1.09',
    userIdentity: {
      type: words.pick(['IAMUser', 'AssumedRole']),
      principalId: words.hex(20),
      arn: `arn:aws:iam::${account}:user/${words.word()}`,
      accountId: account,
      sessionContext: { attributes: { mfaAuthenticated: words.pick(['true', 'false']) } },
    },
    eventSource: `${words.pick(['s3', 'ec2', 'iam', 'kms', words.word()])}.amazonaws.com`,
    eventName: words.pick(['GetObject', 'ListObjects', 'Decrypt', `Put${words.word()}`]),
    sourceIPAddress: `198.51.100.${words.upTo(250)}`,
    userAgent: 'aws-cli/2.15.0',
    requestParameters: { bucketName: words.word(), key: `models/${words.hex(20)}` },
    resources: [{ type: 'AWS::S3::Object', ARN: `arn:aws:s3:::${words.hex(8)}` }],
    requestID: words.hex(16),
    eventID: words.hex(32),
    product: 'aws',
    service: 'cloudtrail',
  }
}
