/**
 * The names under which grouped steps tell what they have learned of a model (`StepContext.baseline`).
 *
 * Asked for by every query, of what is mostly the model of the query before: a name that is spelled anew is hashed anew.
 */
export class ToldName {
  readonly #what: string
  #model: string | undefined
  #name = ''

  /** What of a model it names. */
  constructor(what: string) {
    this.#what = what
  }

  of(model: string): string {
    if (model !== this.#model) {
      // Joined: what is added up keeps its parts beside the whole, and is put together when it is first looked up.
      this.#name = [model, this.#what].join(' ')
      this.#model = model
    }
    return this.#name
  }
}

/** What of inputs of each kind was learned. */
export const referenceNames = {
  features: new ToldName('features'),
  embedding: new ToldName('embedding'),
  hash: new ToldName('hash'),
  output: new ToldName('output'),
} as const
export const landmarkNames = {
  features: new ToldName('features landmarks'),
  embedding: new ToldName('embedding landmarks'),
  hash: new ToldName('hash landmarks'),
  output: new ToldName('output landmarks'),
} as const
