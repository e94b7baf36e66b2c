import type { Datacenter } from '../datacenter.ts'
import type { CloudStore } from '../store.ts'
import type { Actions } from './actions.ts'
import type { Architecture } from './catalogue.ts'
import type { Shortages } from './shortages.ts'
import type { Turns } from './turns.ts'

/** What the routes of every kind of object share. */
export interface Project {
  readonly store: CloudStore
  readonly datacenter: Datacenter
  readonly actions: Actions
  /** One thing at a time for each machine. */
  readonly turns: Turns
  /** IPv4 network of the servers, CIDR. */
  readonly network: string
  /** IPv6 network of the servers, CIDR /48. */
  readonly network6: string
  /** What cannot be had at the moment. */
  readonly shortages: Shortages
  readonly architecture: Architecture
}

/** This moment as the API writes it. */
export const timestamp = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z')
