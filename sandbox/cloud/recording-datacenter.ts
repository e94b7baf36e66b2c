import type { Datacenter } from './datacenter.ts'

type Work = keyof Datacenter

/** A machine room for tests: it notes what is asked of it, and can be slow or fail. */
export class RecordingDatacenter implements Datacenter {
  /** Every call with its arguments, in order. */
  readonly calls: unknown[][] = []
  /** What fails, with its message; taken away by the test that put it in. */
  readonly failures = new Map<Work, string>()
  /** What does not end before the promise does. */
  readonly delays = new Map<Work, Promise<void>>()

  createServer = this.#note('createServer')
  powerOn = this.#note('powerOn')
  powerOff = this.#note('powerOff')
  reboot = this.#note('reboot')
  deleteServer = this.#note('deleteServer')
  createVolume = this.#note('createVolume')
  resizeVolume = this.#note('resizeVolume')
  deleteVolume = this.#note('deleteVolume')
  attachVolume = this.#note('attachVolume')
  detachVolume = this.#note('detachVolume')
  setFirewall = this.#note('setFirewall')
  setRecords = this.#note('setRecords')

  #note(work: Work) {
    return async (...args: unknown[]): Promise<void> => {
      this.calls.push([work, ...structuredClone(args)])
      await this.delays.get(work)
      const failure = this.failures.get(work)
      if (failure) throw new Error(failure)
    }
  }
}
