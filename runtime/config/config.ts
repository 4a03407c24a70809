/**
 * What can be configured: the shape of `modelwarden.yml`, with every default.
 *
 * Read by the composition root (config-load.ts does the reading); each service looks at its own section only. The
 * descriptions below are the user's reference: docs/configuration.md is generated from them, and a test holds it to that.
 *
 * Promises: unknown keys are refused; a secret is named by where it stands, never written here; every limit has a unit
 * in its name. A section's owner adds to it here.
 */
import { z } from 'zod'
import { Connectors } from './config-connectors.ts'
import { cronTime, milliseconds, SecretRef, section } from './config-parts.ts'
import { BusSection, Content, Data, Http, Index, Log, Runtime } from './config-process.ts'
import { Authorize, Licensing, Meter, Respond } from './config-services.ts'

export const Config = z.strictObject({
  data: Data,
  bus: BusSection,
  index: Index,
  http: Http,
  hmacKey: SecretRef.optional().describe(
    'Keys the digests that stand for credentials, and the seals of control records; 32 bytes or more (hex, base64 or text). ' +
      'The same in every process and for every command that publishes content; ' +
      'embedded default: generated in the data folder (0600). Required on Kafka.',
  ),
  hmacKeyReplaces: z
    .string()
    .regex(/^[0-9a-f]{16}$/, 'Write the 16 hex digits that the refusal to start names.')
    .optional()
    .describe(
      'Fingerprint of the key that `hmacKey` has taken the place of: without it, a process with another key than the others does not start. See docs/operations.md, Another hmacKey.',
    ),
  content: Content,
  collect: section('Takes events in.', {
    bodyBytesMax: z
      .int()
      .positive()
      .max(1_073_741_824)
      .default(16_777_216)
      .describe('Largest body of one request, as it comes over the line.'),
    decompressedBytesMax: z
      .int()
      .positive()
      .max(1_073_741_824)
      .default(67_108_864)
      .describe('Largest body once decompressed.'),
    inFlightBytesMax: z
      .int()
      .positive()
      .default(268_435_456)
      .describe(
        'Bytes of bodies, and of the records in them, that are held at a time; past it, senders are asked to come again later. At least the two above and 102,400,000.',
      ),
    publishTimeoutMs: milliseconds()
      .default(15_000)
      .describe('How long a sender waits for the bus to acknowledge before it is asked to send again.'),
  }),
  normalize: section('Turns raw records into events.', {}),
  detect: section('Turns events into signals.', {}),
  correlate: section('Groups signals into incidents.', {
    joinWindowHours: z
      .number()
      .positive()
      .max(168)
      .default(24)
      .describe(
        'Signals that share a principal, credential or session join while neighbors are at most this far apart.',
      ),
    openAtRisk: z
      .number()
      .positive()
      .max(10_000)
      .default(70)
      .describe('Risk at which an incident opens; a critical signal opens one alone.'),
    sharedPrincipalsMax: z
      .int()
      .positive()
      .max(1_000)
      .default(5)
      .describe('An entity seen with more principals than this joins no incidents.'),
  }),
  respond: Respond,
  licensing: Licensing,
  meter: Meter,
  authorize: Authorize,
  indexer: section('Fills the search index.', {
    eventsKeptDays: z
      .int()
      .positive()
      .max(36_500)
      .default(90)
      .describe('How long events can be searched for, by when they happened.'),
    deadLettersKeptDays: z
      .int()
      .positive()
      .max(36_500)
      .default(90)
      .describe('How long dead letters can be searched for, listed and put back.'),
  }),
  schedule: section(
    'The clockwork. Times are cron expressions in UTC; a run is done once, however many copies there are.',
    {
      synthetic: cronTime('* * * * *').describe('When a synthetic record measures the pipeline.'),
      sourceSilence: cronTime('* * * * *').describe('When sources are checked for silence.'),
      licenseNotices: cronTime('7 6 * * *').describe('When licenses are checked for their end.'),
      licensesTold: cronTime('23 3 * * *').describe(
        'When all licenses and credentials are told to the logs of events again; once a day at least.',
      ),
    },
  ),
  connectors: Connectors,
  log: Log,
  runtime: Runtime,
})
export type Config = z.infer<typeof Config>

/** The configuration that an empty file gives. */
export function defaultConfig(): Config {
  return Config.parse({})
}
