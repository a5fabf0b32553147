import { EventEmitter, once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** `up`: from the client to the server. */
export type Direction = 'up' | 'down';

/** What goes wrong on the wire. Counts are bytes of one connection and direction, HTTP headers and TLS records included. */
export type WireFault =
  /** Every piece arrives that much later. */
  | { readonly type: 'latency'; readonly ms: number }
  /** Pieces of at most so many bytes, with pauses between them. */
  | { readonly type: 'drip'; readonly bytes: number; readonly intervalMs: number }
  /** Both ends get a reset after so many bytes. */
  | { readonly type: 'reset'; readonly afterBytes: number }
  /** Both ends see an orderly end (FIN) after so many bytes. */
  | { readonly type: 'truncate'; readonly afterBytes: number }
  /** Nothing more gets through after so many bytes, and nothing is closed. What was held goes on when the rule is removed. */
  | { readonly type: 'blackhole'; readonly afterBytes: number }
  /** The connection is reset as soon as it has been made. */
  | { readonly type: 'refuse' };

export interface WireRule {
  readonly fault: WireFault;
  /** Default: both. */
  readonly direction?: Direction;
  /** Only that connection, counted from 1 since the proxy was started. */
  readonly connection?: number;
}

/** One connection through the proxy. */
export interface ProxiedConnection {
  /** From 1. */
  readonly number: number;
  /** Bytes that were passed on. */
  readonly up: number;
  readonly down: number;
  readonly closed: boolean;
}

export interface FaultProxy {
  /** The target's URL with the proxy's address in it. */
  readonly endpoint: string;
  readonly port: number;
  readonly connections: readonly ProxiedConnection[];
  /** A rule holds from now on, for open connections too, until it is removed. */
  add(rule: WireRule): { remove(): void };
  /** Removes all rules. */
  clear(): void;
  /** Closes the port, so that new connections are refused by the kernel, and what is open with it. */
  stopListening(): Promise<void>;
  /** Opens the same port again. */
  listen(): Promise<void>;
  /** Resolves once there is a connection that fits. */
  waitFor(fits: (connection: ProxiedConnection) => boolean): Promise<ProxiedConnection>;
  close(): Promise<void>;
}

interface Connection {
  readonly number: number;
  readonly sockets: readonly [Socket, Socket];
  up: number;
  down: number;
  closed: boolean;
}

/** Starts a TCP proxy on a free loopback port; it passes everything on until a rule says otherwise. */
export async function startFaultProxy(options: { target: string }): Promise<FaultProxy> {
  const target = new URL(options.target);
  const proxy = new Proxy(target.hostname, Number(target.port));
  await proxy.listen();
  const endpoint = `${target.protocol}//127.0.0.1:${proxy.port}`;
  return {
    endpoint,
    port: proxy.port,
    connections: proxy.connections,
    add: (rule) => proxy.add(rule),
    clear: () => proxy.setRules([]),
    stopListening: () => proxy.stop(),
    listen: () => proxy.listen(),
    waitFor: (fits) => proxy.waitFor(fits),
    close: () => proxy.stop(),
  };
}

class Proxy {
  port = 0;
  readonly connections: Connection[] = [];
  readonly #host: string;
  readonly #targetPort: number;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #rules: readonly WireRule[] = [];
  #server: Server | undefined;

  constructor(host: string, targetPort: number) {
    this.#host = host;
    this.#targetPort = targetPort;
  }

  add(rule: WireRule): { remove(): void } {
    this.setRules([...this.#rules, rule]);
    return { remove: () => this.setRules(this.#rules.filter((other) => other !== rule)) };
  }

  setRules(rules: readonly WireRule[]): void {
    this.#rules = rules;
    this.#changes.emit('change');
  }

  async waitFor(fits: (connection: ProxiedConnection) => boolean): Promise<ProxiedConnection> {
    for (;;) {
      const found = this.connections.find(fits);
      if (found !== undefined) return found;
      await once(this.#changes, 'change');
    }
  }

  async listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const { sockets } of this.connections) for (const socket of sockets) socket.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    const upstream = connect({
      host: this.#host,
      port: this.#targetPort,
      allowHalfOpen: true,
      noDelay: true,
    });
    const number = this.connections.length + 1;
    const connection: Connection = { number, sockets: [client, upstream], up: 0, down: 0, closed: false };
    this.connections.push(connection);
    for (const socket of connection.sockets) {
      socket.on('error', () => reset(connection));
      socket.on('close', () => this.#closed(connection));
    }
    this.#changes.emit('change');
    if (this.#find('refuse', connection, 'up') !== undefined) reset(connection);
    else {
      void this.#pump(connection, 'up');
      void this.#pump(connection, 'down');
    }
  }

  #closed(connection: Connection): void {
    connection.closed = connection.sockets.every((socket) => socket.destroyed);
    this.#changes.emit('change');
  }

  /** Passes on one direction until it ends, by itself or by a rule. */
  async #pump(connection: Connection, direction: Direction): Promise<void> {
    const [client, upstream] = connection.sockets;
    const [from, to] = direction === 'up' ? [client, upstream] : [upstream, client];
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        for (let rest = chunk; rest.length > 0;) {
          const sent = await this.#step(connection, { direction, to }, rest);
          if (sent === undefined) return;
          rest = rest.subarray(sent);
        }
      }
      to.end();
    } catch {
      reset(connection);
    }
  }

  /**
   * Passes on as much of the bytes as the rules allow at once.
   * @returns how many were sent; undefined when a rule has ended the connection.
   */
  async #step(
    connection: Connection,
    way: { direction: Direction; to: Socket },
    bytes: Buffer,
  ): Promise<number | undefined> {
    const { direction, to } = way;
    if (connection.sockets.some((socket) => socket.destroyed)) return undefined;
    const latency = this.#find('latency', connection, direction);
    if (latency !== undefined) await pause(latency.ms, undefined, { ref: false });
    let allowed = bytes.length;
    for (const type of ['reset', 'truncate', 'blackhole'] as const) {
      const fault = this.#find(type, connection, direction);
      if (fault === undefined) continue;
      const left = Math.max(fault.afterBytes - connection[direction], 0);
      if (left === 0) return this.#end(connection, type);
      allowed = Math.min(allowed, left);
    }
    const drip = this.#find('drip', connection, direction);
    const piece = bytes.subarray(0, Math.min(allowed, drip?.bytes ?? allowed));
    // A rule counts what has left, so each piece has to be with the kernel before the next.
    await new Promise<void>((resolve, reject) => {
      to.write(piece, (error) => (error ? reject(error) : resolve()));
    });
    connection[direction] += piece.length;
    this.#changes.emit('change');
    if (drip !== undefined) await pause(drip.intervalMs, undefined, { ref: false });
    return piece.length;
  }

  async #end(connection: Connection, type: 'reset' | 'truncate' | 'blackhole'): Promise<number | undefined> {
    if (type === 'reset') reset(connection);
    if (type === 'truncate') for (const socket of connection.sockets) socket.destroySoon();
    if (type !== 'blackhole') return undefined;
    // Until the rules change or the connection closes: then the step is tried again.
    await once(this.#changes, 'change');
    return 0;
  }

  #find<T extends WireFault['type']>(
    type: T,
    connection: Connection,
    direction: Direction,
  ): Extract<WireFault, { type: T }> | undefined {
    const rule = this.#rules.find(
      (candidate) =>
        candidate.fault.type === type &&
        (candidate.direction ?? direction) === direction &&
        (candidate.connection ?? connection.number) === connection.number,
    );
    return rule?.fault as Extract<WireFault, { type: T }> | undefined;
  }
}

function reset(connection: Connection): void {
  for (const socket of connection.sockets) {
    // A socket that is still connecting can't send a reset.
    if (socket.connecting) socket.destroy();
    else socket.resetAndDestroy();
  }
}
