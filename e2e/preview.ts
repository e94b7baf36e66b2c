import { type RunOptions, run } from './sandbox.ts'

interface Step {
  readonly op: string
  readonly urn: string
}

/** What `pulumi up` would do: operation and URN of every resource that would not stay the same. */
export async function previewChanges(options: RunOptions = {}): Promise<readonly Step[]> {
  const { stdout } = await run(['pulumi', 'preview', '--json'], options)
  const { steps } = JSON.parse(stdout) as { steps: readonly Step[] }
  return steps.filter(({ op }) => op !== 'same' && op !== 'read' && op !== 'refresh')
}
