import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import abstractPersistence from 'aedes-persistence/abstract.js'
import { AedesPersistence } from '../aedes-persistence.ts'
import { limits } from '../limits.ts'
import { SqliteStore } from './sqlite-store.ts'

const directory = await mkdtemp(join(tmpdir(), 'skerry-suite-'))
after(() => rm(directory, { recursive: true }))

// What aedes's own project expects of every persistence.
abstractPersistence({
  test,
  testAsync: true,
  persistence: async () => {
    const fail = (error?: unknown) => {
      throw error
    }
    const store = new SqliteStore(await mkdtemp(join(directory, 'store-')), {
      failing: fail,
      working: fail,
      damaged: fail,
    })
    return new AedesPersistence({
      store,
      limits,
      usernameOf: () => '',
      mayReceive: () => true,
      onFull: fail,
      onStalled: fail,
      onError: fail,
      onUnusable: fail,
    })
  },
})
