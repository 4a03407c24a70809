/**
 * Loaded before a service (`node --import`): on SIGUSR2 its wall clock jumps an hour ahead, on the next one back again.
 * The monotonic clock goes on, as in a machine whose time was set.
 */
const hourMs = 3_600_000
const RealDate = Date
let shiftMs = 0
process.on('SIGUSR2', () => {
  shiftMs = shiftMs === 0 ? hourMs : 0
})
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + shiftMs)
    else super(...args)
  }
  static now() {
    return RealDate.now() + shiftMs
  }
}
