import type { Acknowledge, Change, Store } from './store.ts'

/** What runs in the thread. In the bundle, which has no files beside it, its code stands here in place of the path. */
export const threadSource = new URL('./sqlite-worker.ts', import.meta.url)

/** What the thread is started with. */
export interface ThreadOptions {
  readonly directory: string
  readonly acknowledge: Acknowledge
}

/** The thread answers one question after the other. */
export type Question =
  | { readonly what: 'load' }
  | { readonly what: 'write'; readonly changes: readonly Change[] }
  | {
      readonly what: 'read queue'
      readonly session: number
      readonly after: number
      readonly messages: number
      readonly bytes: number
    }
  | { readonly what: 'read retained'; readonly filter: string; readonly from: string }
  | {
      readonly what: 'read expired'
      readonly now: number
      readonly after: Parameters<Store['readExpired']>[1]
      readonly limit: number
    }
  | { readonly what: 'sync' }
  | { readonly what: 'close' }

export type Answer =
  | { readonly result: unknown; readonly error?: undefined }
  | { readonly error: string; readonly isUnusable: boolean; readonly result?: undefined }
