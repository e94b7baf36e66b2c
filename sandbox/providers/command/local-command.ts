import type { Context, Resource } from '../provider.ts'
import { list, type Properties, text } from '../values.ts'
import {
  checkLogging,
  commandInputs,
  commandOutputs,
  derivedOutputs,
  environmentOf,
  lineLogger,
  uniqueId,
} from './output.ts'
import { runProcess } from './process.ts'

async function run(
  command: string | undefined,
  inputs: Properties,
  previous: Properties,
  context: Context<undefined>,
): Promise<Properties> {
  if (command === undefined) return { ...inputs, stdout: previous.stdout ?? '', stderr: previous.stderr ?? '' }
  const [file = '/bin/sh', ...parameters] =
    inputs.interpreter === undefined ? ['/bin/sh', '-c'] : list(inputs, 'interpreter').map(String)
  const result = await runProcess(file, [...parameters, command], {
    environment: { ...process.env, ...environmentOf(inputs, previous) },
    directory: text(inputs, 'dir'),
    stdin: text(inputs, 'stdin'),
    signal: context.signal,
    onLine: lineLogger(inputs, context),
  })
  return { ...inputs, ...commandOutputs(result, 'on this machine') }
}

export const localCommand: Resource<undefined> = {
  inputs: ['interpreter', 'dir', ...commandInputs],
  forceNew: ['triggers'],
  computed: ['stdout', 'stderr'],
  unstable: ['stdout', 'stderr'],
  derived: derivedOutputs,
  defaults: { addPreviousOutputInEnv: true },
  check: checkLogging,

  async create({ __defaults, ...inputs }, context) {
    return { id: uniqueId(context.name), outputs: await run(text(inputs, 'create'), inputs, {}, context) }
  },

  update({ after: { __defaults, ...after }, outputs }, context) {
    return run(text(after, 'update') ?? text(after, 'create'), after, outputs, context)
  },

  async delete(_id, outputs, context) {
    const command = text(outputs, 'delete')
    if (command !== undefined) await run(command, outputs, outputs, context)
  },
}
