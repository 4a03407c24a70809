/** Numbers for names, so that they are compared by the hundred at little cost. Pure. */
export class Names {
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = ['']

  get size(): number {
    return this.#numbers.size
  }

  /** 0: nobody's. */
  known(name: string): number {
    return this.#numbers.get(name) ?? 0
  }

  of(name: string): number {
    let number = this.#numbers.get(name)
    if (number === undefined) {
      this.#numbers.set(name, (number = this.#names.length))
      this.#names.push(name)
    }
    return number
  }

  nameOf(number: number): string {
    return this.#names[number]!
  }
}
