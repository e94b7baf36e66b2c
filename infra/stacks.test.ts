import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { checkSettings } from './settings.ts'
import { settingsTable } from './settings-table.ts'

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')

/** A stack's file as the engine hands it over: scalars as text, lists and maps as JSON. */
function check(text: string) {
  const { config } = parse(text) as { config: Record<string, unknown> }
  const asText = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value))
  const values = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, asText(value)]))
  const environment = { HCLOUD_TOKEN: 'h'.repeat(64), CLOUDFLARE_API_TOKEN: 'c'.repeat(40) }
  return checkSettings({ values, environment, secretKeys: new Set(['skerry:users']) })
}

describe('Pulumi.prod.yaml', () => {
  const text = read('Pulumi.prod.yaml')

  it('is accepted as it stands', () => assert.equal(check(text).hostname, 'mqtt.example.com'))

  it('names every setting, and shows each default as it is', () => {
    const written = check(text.replaceAll(/^ {2}# (skerry:\w+: )/gm, '  $1'))
    assert.deepEqual(written, check(text))
    for (const name of Object.keys(settingsTable)) assert.match(text, new RegExp(`skerry:${name}\\b`))
  })

  it('says what each setting is for', () => {
    for (const [line] of text.matchAll(/^.*\n {2}(?:# )?skerry:\w+:/gm)) assert.match(line, /^ {2}# /, line)
  })
})

describe('Pulumi.sandbox.yaml', () => {
  it('is accepted as it stands', () => {
    const settings = check(read('Pulumi.sandbox.yaml'))
    assert.equal(settings.hostname, 'mqtt.skerry.test')
    assert.equal(settings.caaIssuer, 'acme.skerry.test')
  })
})

it('Pulumi.yaml has Node run the program itself', () => {
  assert.deepEqual(parse(read('Pulumi.yaml')), {
    name: 'skerry',
    description: 'Your own MQTT broker on one small server',
    runtime: { name: 'nodejs', options: { typescript: false } },
    main: 'infra/index.ts',
  })
})
