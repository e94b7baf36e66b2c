declare module 'aedes-persistence/abstract.js' {
  import type { test } from 'node:test'

  /** The package's own test suite for persistences. */
  export default function abstractPersistence(options: {
    readonly test: typeof test
    readonly testAsync: true
    readonly persistence: () => Promise<object>
  }): void
}
