// For Vitest: one mock for the run, and a session of it for each test. Copy this file, name it in the configuration as
// `globalSetup`, and write in a test `const mock = session(inject('seedream'))`. It needs the program `seedream` in PATH, or its
// place in SEEDREAM.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

// Vitest calls this once, and what it returns at the end.
export default async function ({ provide }) {
  const mock = spawn(process.env.SEEDREAM ?? 'seedream', ['mock', 'serve'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await Promise.race([
    once(createInterface(mock.stdout), 'line'),
    once(mock, 'exit').then(([code]) => Promise.reject(new Error(`seedream mock serve ends with ${code}`))),
  ]);
  provide('seedream', JSON.parse(line));
  return () => mock.kill();
}

// A session: its own requests, faults, clock, tasks and bill.
export function session(ready) {
  const name = randomUUID();
  // An admin route, such as `journal` or `ledger`; with a body it is a POST.
  const ask = async (route, body) => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${ready.admin}/${route}?session=${name}`, { method: text === undefined ? 'GET' : 'POST', body: text });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error.message);
    return answer;
  };
  return {
    ask,
    // The base URL that a client of this provider configures; any key will do.
    url: provider => ready.providers[provider].replace(ready.url, `${ready.url}/s/${name}`),
    // The base URL for an SDK of OpenAI, which ends with the version. evolink has none: its images come by tasks.
    openaiUrl: provider => ready.openai[provider].replace(ready.url, `${ready.url}/s/${name}`),
    // Adds faults: `status=503 times=2; image=corrupt`.
    faults: text => ask('faults', text),
    // Fails unless so many requests match: verify({ body: { n: 2 } }, { count: 1 }); also at_least, at_most.
    verify: async (match, count = {}) => {
      const verdict = await ask('verify', { match, ...count });
      if (!verdict.satisfied) throw new Error(`${verdict.matched} requests instead of ${verdict.expected}: ${JSON.stringify(verdict.nearest, null, 2)}`);
    },
  };
}
