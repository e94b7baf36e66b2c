import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Image, ServerType } from './hetzner.ts'
import { judgeOrder, judgeType, type Order } from './offers.ts'

type Place = ServerType['locations'][number]

const at = (name: string, changed: Partial<Place> = {}): Place => ({ name, available: true, ...changed })
const type = (name: string, price: number, locations: readonly Place[], architecture: 'x86' | 'arm' = 'x86') => ({
  name,
  architecture,
  disk: 40,
  prices: locations.map(({ name }) => ({ location: name, price_monthly: { gross: price.toFixed(10) } })),
  locations: [...locations],
})
const gone = { unavailable_after: '2020-01-01T00:00:00Z' }
const going = { unavailable_after: '2999-12-31T00:00:00Z' }

const types: ServerType[] = [
  type('cx23', 4.5, [at('hel1'), at('fsn1', { available: false }), at('nbg1')]),
  type('cpx22', 9.25, [at('hel1'), at('fsn1'), at('ash')]),
  type('ccx13', 17, [at('hel1'), at('fsn1')]),
  type('cax11', 5, [at('hel1'), at('fsn1')], 'arm'),
  type('cx22', 4, [at('hel1', { deprecation: gone }), at('nbg1', { deprecation: going })]),
]
const images: Image[] = [
  { name: 'debian-13' },
  { name: 'debian-12' },
  { name: 'debian-11', deprecated: gone.unavailable_after },
]
const supported = ['debian-13', 'debian-12', 'ubuntu-24.04']
const order: Order = { serverType: 'cx23', image: 'debian-13', architecture: 'x86', location: 'hel1', movable: true }
const judge = async (changed: Partial<Order>) => {
  const { refusals = [], warnings = [] } = await judgeOrder({ ...order, ...changed }, types, images, supported)
  return { refusals, warnings }
}

describe('an order of a server', () => {
  it('is fine when type and image are to be had', async () => {
    assert.deepEqual(await judge({}), { refusals: [], warnings: [] })
  })

  it('of a type that is sold out names others with their prices, and other places', async () => {
    const { refusals } = await judge({ location: 'fsn1' })
    assert.deepEqual(refusals, [
      [
        'skerry:serverType is cx23, which is sold out in fsn1.',
        'To be had now, with what the API says it costs a month, VAT included:',
        '  pulumi config set skerry:serverType cax11  # cax11 in fsn1: 5.00',
        '  pulumi config set skerry:serverType cpx22  # cpx22 in fsn1: 9.25',
        '  pulumi config set skerry:serverType ccx13  # ccx13 in fsn1: 17.00',
        '  pulumi config set skerry:location hel1   # cx23 in hel1: 4.50',
        '  pulumi config set skerry:location nbg1   # cx23 in nbg1: 4.50',
      ].join('\n'),
    ])
  })

  it('names no other place and no other architecture once the place is fixed', async () => {
    const [refusal = ''] = (await judge({ location: 'fsn1', movable: false })).refusals
    assert.doesNotMatch(refusal, /skerry:location|cax11/)
    assert.match(refusal, /cpx22/)
  })

  it('of a type that is not offered there, not known, or no longer sold is refused', async () => {
    const reason = async (changed: Partial<Order>) => (await judge(changed)).refusals[0]?.split('\n')[0]
    assert.equal(await reason({ location: 'ash' }), 'skerry:serverType is cx23, which is not offered in ash.')
    assert.equal(await reason({ serverType: 'cx99' }), 'skerry:serverType is cx99, which Hetzner Cloud does not have.')
    assert.equal(await reason({ serverType: 'cx22' }), 'skerry:serverType is cx22, which is no longer sold in hel1.')
  })

  it('of a type that will be given up goes on with a warning', async () => {
    const { refusals, warnings } = await judge({ serverType: 'cx22', location: 'nbg1' })
    assert.deepEqual(refusals, [])
    assert.match(warnings.join(), /cx22, which Hetzner gives up: after 2999-12-31 it cannot be ordered in nbg1/)
  })

  it('never offers what is sold out or given up', async () => {
    for (const location of ['hel1', 'fsn1', 'nbg1']) {
      const [refusal = ''] = (await judge({ serverType: 'cx99', location })).refusals
      assert.doesNotMatch(refusal, /cx22/)
      if (location === 'fsn1') assert.doesNotMatch(refusal, /cx23/)
    }
  })

  it('says when there is nothing at all', async () => {
    assert.match((await judge({ location: 'sin', movable: false })).refusals.join(), /Nothing else is to be had/)
  })

  it('of an image that is not there or given up names those that are', async () => {
    const images = (name: string) =>
      `skerry:image is ${name} for x86.\n  pulumi config set skerry:image debian-13\n  pulumi config set skerry:image debian-12`
    assert.deepEqual((await judge({ image: 'ubuntu-24.04' })).refusals, [
      images('ubuntu-24.04, which Hetzner Cloud does not have'),
    ])
    assert.deepEqual((await judge({ image: 'debian-11' })).refusals, [images('debian-11, which Hetzner gives up')])
  })

  it('is told all that is wrong with it', async () => {
    assert.equal((await judge({ serverType: 'cx99', image: 'debian-11' })).refusals.length, 2)
  })
})

it('a resize asks for no image', () => {
  assert.deepEqual(judgeType({ ...order, serverType: 'cpx22', movable: false }, types), {})
})
