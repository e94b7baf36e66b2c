import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type handleUnaryCall, status, type UntypedServiceImplementation } from '@grpc/grpc-js'
import languageServices from '@pulumi/pulumi/proto/language_grpc_pb.js'
import languageMessages from '@pulumi/pulumi/proto/language_pb.js'
import pluginMessages from '@pulumi/pulumi/proto/plugin_pb.js'
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js'
import { servePlugin } from './plugin.ts'

/** The program has reported its error to the engine itself: @pulumi/pulumi/cmd/run. */
const bailExitCode = 32
const killDelay = 5_000

const engineAddress = process.argv.at(-1) ?? ''
const running = new Set<ChildProcess>()

function stopPrograms(): void {
  for (const program of running) {
    program.kill('SIGTERM')
    setTimeout(() => program.kill('SIGKILL'), killDelay).unref()
  }
}

/** The program's own copy of the SDK runs it. */
function runnerOf(directory: string): string {
  return createRequire(join(directory, 'package.json')).resolve('@pulumi/pulumi/cmd/run')
}

function runnerParameters(request: languageMessages.RunRequest): string[] {
  const info = request.getInfo()
  const directory = info?.getProgramDirectory() || request.getPwd()
  const options = info?.getOptions()?.toJavaScript() ?? {}
  const nodeArguments = typeof options.nodeargs === 'string' ? options.nodeargs.split(/\s+/).filter(Boolean) : []
  return [
    ...nodeArguments,
    runnerOf(directory),
    ...['--monitor', request.getMonitorAddress()],
    ...['--engine', engineAddress],
    ...['--project', request.getProject()],
    ...['--stack', request.getStack()],
    ...['--pwd', request.getPwd()],
    ...['--parallel', String(request.getParallel())],
    ...['--organization', request.getOrganization()],
    ...['--root-directory', info?.getRootDirectory() ?? request.getPwd()],
    ...(request.getDryrun() ? ['--dry-run'] : []),
    join(directory, info?.getEntryPoint() || '.'),
    ...request.getArgsList(),
  ]
}

/** The program's configuration travels in the environment, which other users cannot read. */
function runnerEnvironment(request: languageMessages.RunRequest): NodeJS.ProcessEnv {
  const configuration: Record<string, string> = {}
  request.getConfigMap().forEach((value, key) => {
    configuration[key] = value
  })
  const options = request.getInfo()?.getOptions()?.toJavaScript() ?? {}
  return {
    ...process.env,
    PULUMI_CONFIG: JSON.stringify(configuration),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    PULUMI_NODEJS_TYPESCRIPT: String(options.typescript !== false),
  }
}

const run: handleUnaryCall<languageMessages.RunRequest, languageMessages.RunResponse> = (call, callback) => {
  let parameters: string[]
  try {
    parameters = runnerParameters(call.request)
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : error
    callback(
      null,
      new languageMessages.RunResponse().setError(`@pulumi/pulumi is not installed (npm install): ${reason}`),
    )
    return
  }
  const program = spawn(process.execPath, parameters, {
    cwd: call.request.getPwd(),
    env: runnerEnvironment(call.request),
    // What the program prints is this host's own output, which the engine shows.
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  running.add(program)
  let answered = false
  const answer = (response: languageMessages.RunResponse) => {
    running.delete(program)
    if (answered) return
    answered = true
    callback(null, response)
  }
  program.once('error', (error) => {
    answer(new languageMessages.RunResponse().setError(`The program cannot be started: ${error.message}`))
  })
  program.once('exit', (code, signal) => {
    const response = new languageMessages.RunResponse()
    if (code === bailExitCode) response.setBail(true)
    else if (code !== 0) response.setError(`The program ended with ${signal ?? `exit code ${code}`}`)
    answer(response)
  })
}

function answer<Response>(make: () => Response): handleUnaryCall<unknown, Response> {
  return (_call, callback) => callback(null, make())
}

const implementation: UntypedServiceImplementation = {
  handshake: answer(() => new languageMessages.LanguageHandshakeResponse()),
  // Which plugins the program needs shows when it asks for them.
  getRequiredPlugins: answer(() => new languageMessages.GetRequiredPluginsResponse()),
  getRequiredPackages: answer(() => new languageMessages.GetRequiredPackagesResponse()),
  getProgramDependencies: answer(() => new languageMessages.GetProgramDependenciesResponse()),
  getPluginInfo: answer(() => new pluginMessages.PluginInfo().setVersion('1.0.0')),
  about: answer(() => new languageMessages.AboutResponse().setExecutable(process.execPath).setVersion(process.version)),
  run,
  cancel: answer(() => {
    stopPrograms()
    return new emptyMessages.Empty()
  }),
}

if (engineAddress === '' || process.argv.length < 3) {
  console.error('Usage: pulumi-language-nodejs ENGINE_ADDRESS')
  process.exit(status.INVALID_ARGUMENT)
}
servePlugin(languageServices.LanguageRuntimeService, implementation, stopPrograms)
