import fc from 'fast-check'
import type { QoS } from 'mqtt-packet'
import type { Publication, Subscription } from './world.ts'

/** What a client does with messages from now on: answers them, QoS 2 only up to PUBREL and QoS 1 not, or none of them. */
export type Manner = 'answers' | 'halves' | 'keeps'

export interface Cast {
  readonly version: 4 | 5
  /** Whether its session outlives its connections. */
  readonly isLasting: boolean
  readonly asPublished: boolean
  /** At the beginning. */
  readonly manner: Manner
}

/** One step of a history; clients are numbers, topics and filters stand below the history's own. */
export type Step =
  | { readonly kind: 'connect'; readonly client: number; readonly clean: boolean }
  | { readonly kind: 'leave'; readonly client: number; readonly isOrderly: boolean }
  | { readonly kind: 'subscribe'; readonly client: number; readonly subscription: Subscription }
  | { readonly kind: 'unsubscribe'; readonly client: number; readonly filter: string }
  | { readonly kind: 'manner'; readonly client: number; readonly manner: Manner }
  | { readonly kind: 'answer'; readonly client: number; readonly count: number }
  /** Several in one go; `isTorn` cuts the connection before the PUBRELs, and comes back to finish. */
  | { readonly kind: 'publish'; readonly client: number; readonly burst: readonly Burst[]; readonly isTorn: boolean }

export type Burst = Pick<Publication, 'topic' | 'qos' | 'retain'> & { readonly isEmpty: boolean }

const clients = 4
const qos = fc.constantFrom<QoS>(0, 1, 2)
const filters = ['a', 'a/b', 'a/+', 'a/#', '+/b', '#', '+', '+/+', 'b/c', 'b/#'] as const
const topics = ['a', 'a/b', 'b', 'b/c', 'a/b/c'] as const

const client = fc.nat(clients - 1)
const filter = fc.constantFrom(...filters)
const subscription = fc.record({
  filter,
  qos,
  noLocal: fc.boolean(),
  retainHandling: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
})
const burst = fc.array(
  fc.record({
    topic: fc.constantFrom(...topics),
    qos,
    retain: fc.boolean(),
    isEmpty: fc.nat(9).map((number) => number === 0),
  }),
  { minLength: 1, maxLength: 8 },
)
const step = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('connect' as const), client, clean: fc.nat(4).map((n) => n === 0) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), client, isOrderly: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), client, subscription }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unsubscribe' as const), client, filter }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('manner' as const),
      client,
      manner: fc.constantFrom<Manner>('answers', 'halves', 'keeps'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('answer' as const), client, count: fc.nat(5) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      client,
      burst,
      isTorn: fc.nat(3).map((number) => number === 0),
    }),
  },
)

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(step, { minLength: 10, maxLength: 40 })

/** Who takes part: in MQTT 3.1.1 alone, or both versions together. */
export function casts(version: 4 | 5): fc.Arbitrary<readonly Cast[]> {
  const cast = fc.record({
    version: version === 4 ? fc.constant<4>(4) : fc.constantFrom<4 | 5>(4, 5),
    isLasting: fc.nat(3).map((number) => number > 0),
    asPublished: fc.boolean(),
    manner: fc.constantFrom<Manner>('answers', 'answers', 'halves', 'keeps'),
  })
  return fc.array(cast, { minLength: clients, maxLength: clients })
}
