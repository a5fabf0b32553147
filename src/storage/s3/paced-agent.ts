import { Agent, type AgentOptions } from 'node:http';
import { Agent as TlsAgent, type AgentOptions as TlsAgentOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Slower than this is as good as silent: 16 MiB would take two days. */
const LEAST_BYTES_PER_SECOND = 100;
/** As many connections as there are requests, which the transfer bounds: a queue here would hand a connection on without a word. */
const POOL = { keepAlive: true, maxSockets: Infinity };

/**
 * Agents that give up an answer which trickles in. A time limit for silence alone never ends an answer that comes byte by byte, and
 * one for the whole answer would end large ones on slow lines. What is sent needs no such watch: while the other end takes nothing, the
 * connection is silent.
 *
 * @param windowMs an answer that brings next to nothing in two such times in a row fails with `ETIMEDOUT`
 */
export function pacedAgents(
  options: AgentOptions & TlsAgentOptions,
  windowMs: number,
): { httpAgent: Agent; httpsAgent: TlsAgent } {
  const all = { ...POOL, ...options };
  return {
    httpAgent: watched(new Agent(all), windowMs),
    httpsAgent: watched(new TlsAgent(all), windowMs),
  };
}

function watched<Pool extends Agent>(agent: Pool, windowMs: number): Pool {
  const timers = new WeakMap<Duplex, NodeJS.Timeout>();
  const stop = (socket: Duplex): void => clearInterval(timers.get(socket));
  const watch = (socket: Duplex): void => {
    stop(socket);
    timers.set(socket, watchAnswer(socket as Socket, windowMs));
  };
  const { createConnection, keepSocketAlive, reuseSocket } = agent;
  agent.createConnection = (options, callback) => {
    const socket = createConnection.call(agent, options, callback);
    if (socket !== null && socket !== undefined) {
      watch(socket);
      socket.once('close', () => stop(socket));
    }
    return socket;
  };
  agent.keepSocketAlive = (socket) => {
    stop(socket);
    return keepSocketAlive.call(agent, socket);
  };
  agent.reuseSocket = (socket, request) => {
    watch(socket);
    reuseSocket.call(agent, socket, request);
  };
  return agent;
}

function watchAnswer(socket: Socket, windowMs: number): NodeJS.Timeout {
  const least = Math.ceil((LEAST_BYTES_PER_SECOND * windowMs) / 1000);
  let seen = socket.bytesRead;
  let slow = 0;
  const timer = setInterval(() => {
    const came = socket.bytesRead - seen;
    // Nothing at all is for the limit of silence: a server may take its time before it answers.
    slow = came > 0 && came < least ? slow + 1 : 0;
    seen += came;
    if (slow >= 2) socket.destroy(Object.assign(new Error('the answer trickles in'), { code: 'ETIMEDOUT' }));
  }, windowMs);
  return timer.unref();
}
