import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { proxyFor } from "./proxy.ts";
import { tlsSettings } from "./tls.ts";

export interface AgentPoolOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly extraCa: string | undefined;
}

/** The most recently used connection first: the others may then idle out. */
const keepAlive = { keepAlive: true, scheduling: "lifo", maxSockets: 64 } as const;

/** Connections that are kept open, a pool for each host, proxy and way to verify certificates. */
export class AgentPool {
  readonly #options: AgentPoolOptions;
  readonly #agents = new Map<string, Promise<HttpAgent>>();

  constructor(options: AgentPoolOptions) {
    this.#options = options;
  }

  agentFor(url: URL, allowUntrusted: boolean): Promise<HttpAgent> {
    const proxy = proxyFor(url, this.#options.env);
    const key = `${url.protocol}//${url.host} ${allowUntrusted} ${proxy ?? ""}`;
    const known = this.#agents.get(key);
    if (known) return known;
    const agent = this.#create(url, allowUntrusted, proxy);
    this.#agents.set(key, agent);
    return agent;
  }

  async #create(url: URL, allowUntrusted: boolean, proxy: string | undefined): Promise<HttpAgent> {
    if (url.protocol === "http:") return proxy ? new HttpProxyAgent(proxy, keepAlive) : new HttpAgent(keepAlive);
    const tls = await tlsSettings(url.host, this.#options.env, this.#options.extraCa);
    const settings = { ...keepAlive, ...tls, rejectUnauthorized: !allowUntrusted };
    return proxy ? new HttpsProxyAgent(proxy, settings) : new HttpsAgent(settings);
  }
}
