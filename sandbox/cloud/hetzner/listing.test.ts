import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { at, refused, type TestCloud, testCloud } from '../testbed.ts'

const labelled = [
  { name: 'c', labels: { room: 'broker' } },
  { name: 'a', labels: { room: 'broker', stage: 'prod' } },
  { name: 'b', labels: { stage: '' } },
  { name: 'd', labels: {} },
]

async function filled(cloud: TestCloud) {
  for (const firewall of labelled) {
    assert.equal((await cloud.hetzner('POST', '/firewalls', firewall)).status, 201)
  }
}

const named = z.object({ firewalls: z.array(z.object({ name: z.string() })) })

async function names({ hetzner }: TestCloud, query: string): Promise<string> {
  const answer = await hetzner('GET', `/firewalls?${query}`)
  assert.equal(answer.status, 200, JSON.stringify(answer.json))
  return named
    .parse(answer.json)
    .firewalls.map(({ name }) => name)
    .join('')
}

test('label selectors select', async (t) => {
  const cloud = testCloud(t)
  await filled(cloud)
  const cases = {
    room: 'ca',
    '!room': 'bd',
    'room=broker': 'ca',
    'room==broker,stage=prod': 'a',
    'room!=broker': 'bd',
    'stage=': 'b',
    'stage in (prod, test)': 'a',
    'stage notin (prod)': 'cbd',
    'room,stage in (prod,dev)': 'a',
    toString: '',
    '!toString': 'cabd',
    'toString!=x': 'cabd',
  }
  for (const [selector, expected] of Object.entries(cases)) {
    assert.equal(await names(cloud, `label_selector=${encodeURIComponent(selector)}`), expected, selector)
  }
})

test('a selector that is none is refused', async (t) => {
  const { hetzner } = testCloud(t)
  for (const selector of ['=a', 'a=b c', 'a in b', 'a in (b', 'a,', ',', '!', 'a=-', '!!a', 'a in (-)', 'ä']) {
    refused(
      await hetzner('GET', `/firewalls?label_selector=${encodeURIComponent(selector)}`),
      422,
      'invalid_input',
      'label_selector',
    )
  }
})

test('lists are filtered by name and sorted as asked', async (t) => {
  const cloud = testCloud(t)
  await filled(cloud)
  assert.equal(await names(cloud, ''), 'cabd')
  assert.equal(await names(cloud, 'name=b'), 'b')
  assert.equal(await names(cloud, 'name=b&name=c'), 'cb')
  assert.equal(await names(cloud, 'name=B'), '')
  assert.equal(await names(cloud, 'sort=name'), 'abcd')
  assert.equal(await names(cloud, 'sort=name:desc'), 'dcba')
  assert.equal(await names(cloud, 'sort=created&sort=id:desc'), 'dbac')
  for (const sort of ['colour', 'name:up', 'constructor', '']) {
    refused(await cloud.hetzner('GET', `/firewalls?sort=${sort}`), 422, 'invalid_input', 'sort')
  }
})

test('pages', async (t) => {
  const cloud = testCloud(t)
  await filled(cloud)
  const page = async (query: string) => at(await cloud.hetzner('GET', `/firewalls?${query}`), 'meta', 'pagination')
  assert.deepEqual(await page(''), {
    page: 1,
    per_page: 25,
    previous_page: null,
    next_page: null,
    last_page: 1,
    total_entries: 4,
  })
  assert.deepEqual(await page('per_page=2'), {
    page: 1,
    per_page: 2,
    previous_page: null,
    next_page: 2,
    last_page: 2,
    total_entries: 4,
  })
  assert.deepEqual(await page('page=2&per_page=3'), {
    page: 2,
    per_page: 3,
    previous_page: 1,
    next_page: null,
    last_page: 2,
    total_entries: 4,
  })
  assert.deepEqual(await page('name=x'), {
    page: 1,
    per_page: 25,
    previous_page: null,
    next_page: null,
    last_page: 1,
    total_entries: 0,
  })
  assert.equal(await names(cloud, 'page=2&per_page=3'), 'd')
  assert.equal(await names(cloud, 'page=3&per_page=3'), '')
  assert.equal(await names(cloud, 'per_page=50'), 'cabd')
  for (const wrong of ['per_page=51', 'per_page=0', 'per_page=x', 'per_page=1.5']) {
    refused(await cloud.hetzner('GET', `/firewalls?${wrong}`), 422, 'invalid_input', 'per_page')
  }
  for (const wrong of ['page=0', 'page=-1', 'page=x']) {
    refused(await cloud.hetzner('GET', `/firewalls?${wrong}`), 422, 'invalid_input', 'page')
  }
})
