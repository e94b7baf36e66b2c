import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** More than that of one output ends the command: the state has to hold it. */
const largestOutput = 8 * 1024 * 1024

export interface ProcessOptions {
  readonly environment?: NodeJS.ProcessEnv
  readonly directory?: string | undefined
  readonly stdin?: string | undefined
  readonly signal: AbortSignal
  onLine?(stream: 'stdout' | 'stderr', line: string): void
}

export interface ProcessResult {
  /** null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Collects a stream, bounded, and passes on its lines as they come. */
function collect(stream: Readable, onLine: (line: string) => void, onOverflow: () => void): () => string {
  const decoder = new StringDecoder('utf8')
  let text = ''
  let line = ''
  stream.on('data', (chunk: Buffer) => {
    const part = decoder.write(chunk)
    if (text.length + part.length > largestOutput) return onOverflow()
    text += part
    const lines = (line + part).split('\n')
    line = lines.pop() ?? ''
    for (const complete of lines) onLine(complete.replace(/\r$/, ''))
  })
  stream.on('end', () => {
    if (line !== '') onLine(line)
  })
  return () => text
}

/**
 * Runs a program to its end.
 * @throws Error when it cannot be started, writes too much, or the signal is aborted
 */
export function runProcess(
  file: string,
  parameters: readonly string[],
  { environment = process.env, directory, stdin = '', signal, onLine = () => {} }: ProcessOptions,
): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const child = spawn(file, parameters, { env: environment, cwd: directory, stdio: 'pipe' })
    let failure: Error | undefined
    const fail = (error: Error) => {
      failure ??= error
      child.kill('SIGKILL')
    }
    const overflow = () => fail(new Error(`The command wrote more than ${largestOutput} bytes: send it to a file`))
    const stdout = collect(child.stdout, (line) => onLine('stdout', line), overflow)
    const stderr = collect(child.stderr, (line) => onLine('stderr', line), overflow)
    const abort = () => fail(signal.reason instanceof Error ? signal.reason : new Error('The command was cancelled'))
    signal.addEventListener('abort', abort, { once: true })
    // A command need not read its input.
    child.stdin.on('error', () => {})
    child.stdin.end(stdin)
    child.on('error', (error) => {
      failure ??= new Error(`${file} cannot be started: ${error.message}`)
    })
    child.on('exit', () => {
      signal.removeEventListener('abort', abort)
      // Another process may still hold the ends of its pipes: an SSH client leaves them to the one in the background.
      if (!failure) return
      child.stdout.destroy()
      child.stderr.destroy()
      reject(failure)
    })
    child.on('close', (code) => {
      if (failure) reject(failure)
      else resolve({ code, stdout: stdout(), stderr: stderr() })
    })
  })
}

/** The last lines of a command's error output, or of its output when it wrote no errors. */
export function tailOf({ stdout, stderr }: ProcessResult): string {
  const text = stderr.trim() === '' ? stdout : stderr
  return text.trimEnd().split('\n').slice(-20).join('\n')
}
