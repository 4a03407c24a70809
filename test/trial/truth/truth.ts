/** What really happened in generated traffic: written by the generator, read by the judge alone. */

export interface RunTruth {
  readonly scenario: string
  readonly id: string
  readonly model: string
  readonly accounts: readonly string[]
  /** Names of threats that would be right, the best first. */
  readonly accepted: readonly string[]
  /** A change of a model's traffic and no account's deed: an alert counts by its model. */
  readonly ofModel?: boolean
}

export interface HonestTruth {
  readonly account: string
  readonly kind: string
}

export interface EventTruth {
  readonly id: string
  readonly account: string
  readonly model: string
  /** The run that this event is part of. */
  readonly run?: string
}

export interface FileTruth {
  readonly file: string
  /** In the order of the file. */
  readonly events: readonly EventTruth[]
  readonly runs: readonly RunTruth[]
  readonly honest: readonly HonestTruth[]
}
