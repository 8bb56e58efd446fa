export { dispatch } from "./dispatch.ts";
export type { StageObserver } from "./observer.ts";
export type {
  ContextFiles,
  DispatchOptions,
  FetchedContext,
  LocalContext,
  NamedContext,
  ResolvedImage,
  ResolveImageOptions,
} from "./options.ts";
export type { DispatchResult, DispatchWarning, ImageDraft } from "./result.ts";
export type { StageState } from "./stage-state.ts";
