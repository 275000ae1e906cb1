// The types of seedream-mock.mjs; copy both.

type Ready = { url: string; admin: string; providers: Record<string, string>; openai: Record<string, string> };

declare module 'vitest' {
  export interface ProvidedContext {
    seedream: Ready;
  }
}

export interface Session {
  ask(route: string, body?: unknown): Promise<any>;
  url(provider: string): string;
  openaiUrl(provider: string): string;
  faults(text: string): Promise<any>;
  verify(match: object, count?: { count?: number; at_least?: number; at_most?: number }): Promise<void>;
}

export function session(ready: Ready): Session;
export default function setup(context: { provide(key: 'seedream', value: Ready): void }): Promise<() => boolean>;
