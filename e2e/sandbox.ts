import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { type Instance, sandboxInstance } from '../sandbox/instance.ts'
import type { Summary } from '../sandbox/summary.ts'

/** What `npm run sandbox -- status --json` prints. */
export interface SandboxStatus extends Summary {
  readonly state: string
  readonly urls: Readonly<Record<'mqtt' | 'mqtts' | 'wss' | 'https', string>>
  /** Names of doors that let nobody in → why. */
  readonly closed: Readonly<Record<string, string>>
  /** What the server says of itself, line by line. */
  readonly server: readonly string[]
}

export interface Run {
  readonly exitCode: number | undefined
  readonly stdout: string
  /** Standard output and standard error as they came. */
  readonly output: string
}

export interface RunOptions {
  /** Another tree than this one. */
  readonly checkout?: string
  /** Milliseconds. */
  readonly deadline?: number
}

/** This tree. */
export const checkout = fileURLToPath(new URL('..', import.meta.url))

/** The tests' own sandbox: what SKERRY_SANDBOX says, else the first free number after the user's own 0. */
export const instance = chooseInstance()

function chooseInstance(): Instance {
  if (process.env.SKERRY_SANDBOX) return sandboxInstance()
  for (let number = 1; number < 10; number += 1) {
    const candidate = sandboxInstance(number)
    if (!existsSync(candidate.directory)) return candidate
  }
  throw new Error('The sandboxes 1 to 9 all stand: put one down with "SKERRY_SANDBOX=1 npm run sandbox -- down"')
}

/** How a sandbox command is started, for those who want the process itself. */
export function sandboxCommand(parameters: readonly string[], tree = checkout) {
  return {
    file: process.execPath,
    arguments: ['sandbox/main.ts', ...parameters],
    options: { cwd: tree, env: { SKERRY_SANDBOX: String(instance.number), NO_COLOR: '1' }, stdin: 'ignore' },
  } as const
}

/** Runs `npm run sandbox -- PARAMETERS` to its end, whatever that is. */
export async function tryToRun(parameters: readonly string[], options: RunOptions = {}): Promise<Run> {
  const command = sandboxCommand(parameters, options.checkout)
  const { exitCode, stdout, all } = await execa(command.file, command.arguments, {
    ...command.options,
    all: true,
    reject: false,
    timeout: options.deadline ?? 600_000,
  })
  return { exitCode, stdout, output: all }
}

/** Runs `npm run sandbox -- PARAMETERS`, which has to succeed. */
export async function run(parameters: readonly string[], options: RunOptions = {}): Promise<Run> {
  const result = await tryToRun(parameters, options)
  const lines = result.output.split('\n').slice(-60).join('\n')
  assert.equal(result.exitCode, 0, `"npm run sandbox -- ${parameters.join(' ')}" failed:\n${lines}`)
  return result
}

/** Runs a script of bash as root on the server; @returns its standard output */
export async function onServer(script: string): Promise<string> {
  return (await run(['root', 'bash', '-c', script], { deadline: 120_000 })).stdout.trim()
}

export async function readStatus(): Promise<SandboxStatus> {
  const { stdout } = await tryToRun(['status', '--json'], { deadline: 60_000 })
  return JSON.parse(stdout) as SandboxStatus
}

/** @throws Error when the sandbox stands already, so that tests never take somebody's own */
export async function assertFree(): Promise<void> {
  const { state } = await readStatus()
  if (state === 'absent') return
  throw new Error(
    `Sandbox ${instance.number} is ${state}. The tests stand one of their own: put it down with "SKERRY_SANDBOX=${instance.number} npm run sandbox -- down", or leave SKERRY_SANDBOX out`,
  )
}

let standing: SandboxStatus | undefined

/** Stands the sandbox up from this tree or another one, or brings it back to what that tree says. */
export async function up(options: RunOptions = {}): Promise<Run> {
  const result = await run([], options)
  standing = await readStatus()
  return result
}

export async function down(): Promise<Run> {
  standing = undefined
  return run(['down'])
}

/** The sandbox that stands. */
export function sandbox(): SandboxStatus {
  assert.ok(standing, 'the sandbox does not stand')
  return standing
}
