import { type CpuTimes, cpuTimes, type ProcessCpu, processCpu } from "../machine.js";

/** What the machine and the two processes did while a row was measured. */
export interface WindowUse {
  readonly seconds: number;
  /** Seconds of CPU that the server used: user and system, all threads. */
  readonly server_cpu: number;
  /** Of one core. */
  readonly server_share: number;
  readonly generator_share: number;
  /** User time of all other processes, of one core. */
  readonly others_share: number;
  /** Seconds of CPU of each further process that was named, and of all that is neither those nor server nor generator. */
  readonly named_cpu: readonly number[];
  readonly rest_cpu: number;
  /** Time that the host took from the machine, of one core. */
  readonly steal_share: number;
}

interface Reading {
  readonly at: number;
  readonly machine: CpuTimes;
  readonly server: ProcessCpu;
  readonly generator: ProcessCpu;
  readonly named: readonly number[];
}

/** A stretch of time over which CPU is accounted to the server, the generator, and whoever disturbs them. */
export class Window {
  private readonly begin: Reading;

  constructor(
    private readonly serverPid: number,
    private readonly namedPids: readonly number[] = [],
  ) {
    this.begin = this.reading();
  }

  private reading(): Reading {
    return {
      at: performance.now(),
      machine: cpuTimes(),
      server: processCpu(this.serverPid),
      generator: processCpu(process.pid),
      named: this.namedPids.map((pid) => processCpu(pid).total),
    };
  }

  end(): WindowUse {
    const { begin } = this;
    const end = this.reading();
    const seconds = (end.at - begin.at) / 1000;
    const server = end.server.total - begin.server.total;
    const generator = end.generator.total - begin.generator.total;
    const named_cpu = end.named.map((cpu, i) => cpu - (begin.named[i] as number));
    const known = server + generator + named_cpu.reduce((sum, cpu) => sum + cpu, 0);
    const ours = end.server.user - begin.server.user + end.generator.user - begin.generator.user;
    return {
      seconds,
      server_cpu: server,
      server_share: server / seconds,
      generator_share: generator / seconds,
      others_share: Math.max(0, end.machine.user - begin.machine.user - ours) / seconds,
      named_cpu,
      rest_cpu: Math.max(0, end.machine.busy - begin.machine.busy - known),
      steal_share: (end.machine.steal - begin.machine.steal) / seconds,
    };
  }
}
