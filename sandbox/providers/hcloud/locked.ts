import { setTimeout } from 'node:timers/promises'
import { HcloudError } from './client.ts'

const attempts = 60
const pause = 1_000

/**
 * Asks again while another action has the server locked, as the one of an interrupted run that is still under way.
 * @throws what `ask` throws otherwise, or when the server is locked for a minute
 */
export async function onceUnlocked<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      const isLocked = error instanceof HcloudError && error.code === 'locked'
      if (!isLocked || attempt === attempts) throw error
      await setTimeout(pause, undefined, { signal })
    }
  }
}
