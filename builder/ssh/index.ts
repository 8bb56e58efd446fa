export { type ServeAgentOptions, type ServedAgent, serveAgent } from "./server.ts";
export { openSshSources, type SshOptions, type SshSource } from "./source.ts";
