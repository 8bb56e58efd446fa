export type { SourceContext } from "./context.ts";
export { checkoutGit, gitIdentity } from "./git.ts";
export { type GitCommit, resolveGit } from "./git-resolve.ts";
export { fetchHttp, type HttpFile, type HttpSource } from "./http.ts";
export type { FetchOptions } from "./http-body.ts";
